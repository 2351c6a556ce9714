"""The losses that subjects declare or imply, as formulas in torch."""

import numpy as np
import torch

from gallery.question import Loss, Question


def every(d_y: np.ndarray) -> Loss:
    """Σ d_y ⊙ y over every step: its gradient is d_y itself."""
    return lambda y, _: (torch.tensor(d_y) * y).sum()


def last(d_y: np.ndarray) -> Loss:
    """Σ d_y ⊙ y of the last step; d_y is (B, O)."""
    return lambda y, _: (torch.tensor(d_y) * y[-1]).sum()


def states(d_h: np.ndarray, d_h_n: np.ndarray | None = None) -> Loss:
    """Σ d_h ⊙ h over every step, and of the last step once more with d_h_n."""
    extra = np.zeros_like(d_h[-1]) if d_h_n is None else d_h_n
    return lambda _, h: (torch.tensor(d_h) * h).sum() + (torch.tensor(extra) * h[-1]).sum()


def last_state(d_h: np.ndarray) -> Loss:
    """Σ d_h ⊙ h of the last step; d_h is (B, H)."""
    return lambda _, h: (torch.tensor(d_h) * h[-1]).sum()


def squares(targets: np.ndarray, factor: float = 1.0) -> Loss:
    """Σ (y − targets)² times a factor, over every step."""
    return lambda y, _: factor * ((y - torch.tensor(targets)) ** 2).sum()


def last_squares(target: np.ndarray, factor: float = 1.0) -> Loss:
    """Σ (y − target)² of the last step times a factor; target is (B, O)."""
    return lambda y, _: factor * ((y[-1] - torch.tensor(target)) ** 2).sum()


def crossed(question: Question, factor: float = 1.0) -> Loss:
    """Softmax cross-entropy with the question's target ids, summed over every step, times a factor."""
    ids = torch.tensor(question.targets).ravel()
    return lambda y, _: (
        factor * torch.nn.functional.cross_entropy(y.reshape(-1, y.shape[-1]), ids, reduction="sum")
    )


def last_crossed(question: Question, factor: float = 1.0) -> Loss:
    """Softmax cross-entropy of the last step with the last target ids, summed, times a factor."""
    ids = torch.tensor(question.targets[-1])
    return lambda y, _: factor * torch.nn.functional.cross_entropy(y[-1], ids, reduction="sum")


def binary(targets: np.ndarray, factor: float = 1.0) -> Loss:
    """Binary cross-entropy of sigmoid(y) with the targets (T, B, O), summed, times a factor."""
    wanted = torch.tensor(targets)
    return lambda y, _: (
        factor * torch.nn.functional.binary_cross_entropy_with_logits(y, wanted, reduction="sum")
    )


def outputs_and_last_state(d_y: np.ndarray, d_h_n: np.ndarray) -> Loss:
    """Σ d_y ⊙ y over every step, and Σ d_h_n ⊙ h of the last one."""
    return lambda y, h: (torch.tensor(d_y) * y).sum() + (torch.tensor(d_h_n) * h[-1]).sum()
