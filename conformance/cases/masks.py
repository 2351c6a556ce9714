"""torch's own dropout masks, drawn again: which values a layer's output keeps on its way to the next layer.

torch.nn.RNN drops values of a layer's whole output (T, B, D·H) after every layer but the last, and draws the masks in
the order of the layers from its global generator. Seeding that generator and dropping ones of the same shapes therefore
replays them. Packed sequences are dropped as they are packed: step by step the samples that have the step, the longest
first.

The masks hold for one version of torch on one kind of machine, like everything else that torch draws; with them, every
implementation can compute what torch computes.
"""

import numpy as np

from conformance.cases.case import Case
from conformance.errors import Unsupported
from conformance.extras import lacking, request


def is_masked(case: Case) -> bool:
    """Return whether values of `case` are dropped."""
    return case.dropout > 0 and not case.evaluation


def can_be_drawn(case: Case) -> bool:
    """Return whether the data of `case` can be had here: where values are dropped, that takes torch."""
    return not is_masked(case) or not lacking(["torch"])


def replayed_masks(case: Case, seed: int) -> np.ndarray:
    """Return the masks (L-1, T, B, D·H) that torch draws for `case` from `seed`, True where a value is kept.

    Raises
    ------
    Unsupported
        If torch isn't installed.
    """
    if not can_be_drawn(case):
        raise Unsupported(request("A case with dropout", ["torch"]))
    import torch

    width = case.directions * case.state_size
    masks = np.zeros((case.layers - 1, case.steps, case.batch, width), np.bool_)
    taking_part = _packed_order(case)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for mask in masks:
            ones = torch.ones((len(taking_part), width))
            kept = torch.nn.functional.dropout(ones, case.dropout, training=True) != 0
            mask[taking_part[:, 0], taking_part[:, 1]] = kept.numpy()
    return masks


def _packed_order(case: Case) -> np.ndarray:
    """Return step and sample of every row that takes part, as torch lays them out: (N, 2).

    Packing sorts by torch's own sort, which leaves equal lengths in any order.
    """
    import torch

    if not case.lengths:
        return np.array([(t, b) for t in range(case.steps) for b in range(case.batch)])
    order = torch.sort(torch.tensor(case.lengths), descending=True).indices.tolist()
    return np.array([(t, b) for t in range(case.steps) for b in order if t < case.lengths[b]])
