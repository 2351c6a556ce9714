"""Updates made of gradients by a rule that is known: their sign, a clip, a norm, a memory of squares, weight decay.

Gradients can't be read off such an update. But where they are found elsewhere, it can be shown that the rule holds
between the two: it has at most two numbers, which all elements of all parameters must share.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from conformance.hand_written.calling.running.clipping import CLIP
from refrnn import Array

SAME = 1e-6
"""Relative difference up to which numbers count as the same while searching; judging comes later."""

FEWEST = 8
"""Elements, at least, that must obey a rule of two numbers, so that it isn't made up of them."""


def rule_between(
    gradients: Mapping[str, Array],
    moved: Mapping[str, Array],
    weights: Mapping[str, Array],
    outlives: Iterable[Array],
) -> str:
    """Return the rule by which an update is made of gradients, in words; empty where none of those known holds.

    Parameters
    ----------
    gradients, weights
        Of every parameter, by its path.
    moved
        How far every parameter moved against its gradient, before − after; one that is missing hasn't moved.
    outlives
        The arrays that outlive the update: what divides by a root of squares must remember them.
    """
    if sum(g.size for g in gradients.values()) < FEWEST:
        return ""
    g = np.concatenate([each.ravel() for each in gradients.values()])
    w = np.concatenate([weights[path].ravel() for path in gradients])
    d = np.concatenate([moved.get(p, np.zeros_like(each)).ravel() for p, each in gradients.items()])
    if not (np.isrealobj(d) and np.isfinite(d).all() and np.isfinite(g).all() and d.any()):
        return ""
    sizes = [each.size for each in gradients.values()]
    parts = list(zip(*(np.split(v, np.cumsum(sizes)[:-1]) for v in (g, d, w)), strict=True))
    rules: dict[str, Callable[[], bool]] = {
        "by their sign": lambda: _is_the_sign(g, d, w),
        "by cutting off large elements": lambda: _is_cut_off(g, d),
        "by cutting down the norm of each": lambda: _has_one_norm([(a, b) for a, b, _ in parts]),
        "divided by a root of their squares, as Adagrad, RMSprop and Adam do": lambda: (
            _is_adaptive(g, d) and _are_remembered(gradients, outlives)
        ),
        "with weight decay": lambda: _decays(g, d, w, [each.ndim > 1 for each in gradients.values()], sizes),
    }
    return next((name for name, holds in rules.items() if holds()), "")


def is_at_one_rate(gradients: Mapping[str, Array], moved: Mapping[str, Array]) -> bool:
    """Tell whether every parameter moved by its gradient times one number."""
    if gradients.keys() != moved.keys():
        return False
    g, d = (np.concatenate([each[path].ravel() for path in gradients]) for each in (gradients, moved))
    return bool(np.isfinite(d).all() and d.any()) and _same(d, _ratio(d, g) * g)


def _same(got: Array, expected: Array) -> bool:
    return bool(np.abs(got - expected).max() <= SAME * np.abs(got).max())


def _ratio(d: Array, v: Array) -> float:
    """Return the number that brings v closest to d."""
    square = float(v @ v)
    return float(d @ v) / square if square else 0.0


def _is_the_sign(g: Array, d: Array, w: Array) -> bool:
    """Tell whether d = r · sign(g) but for the rounding of w − d; what divides g by a root of g² + ε is not that."""
    if d.dtype.kind != "f":
        return False
    signs = np.sign(g)
    rounding = 4 * np.finfo(d.dtype).eps * (np.abs(w).max() + np.abs(d).max())
    return bool(np.abs(d - _ratio(d, signs) * signs).max() <= rounding)


def _is_cut_off(g: Array, d: Array) -> bool:
    """Tell whether d = r · clip(g, −c, c), where both what is cut off and what isn't is there."""
    inside = np.abs(d) < np.abs(d).max() * (1 - SAME)
    if not inside.any() or inside.all():
        return False
    rate = _ratio(d[inside], g[inside])
    limit = np.abs(d).max() / abs(rate) if rate else 0.0
    return bool(limit) and _same(d, rate * CLIP(g, -limit, limit))


def _has_one_norm(parts: list[tuple[Array, Array]]) -> bool:
    """Tell whether every part is its gradient times a number: one rate, or what brings it to one norm.

    Of those that are brought to a norm there must be several: any part is its gradient times a number of its own.
    """
    rates = [_ratio(d, g) for g, d in parts]
    if not all(_same(d, r * g) for (g, d), r in zip(parts, rates, strict=True) if g.any() or d.any()):
        return False
    top = max(rates, key=abs)
    norms = [
        float(np.linalg.norm(d))
        for (_, d), r in zip(parts, rates, strict=True)
        if abs(r - top) > SAME * abs(top)
    ]
    return len(norms) > 1 and max(norms) - min(norms) <= SAME * max(norms)


def _is_adaptive(g: Array, d: Array) -> bool:
    """Tell whether g / d is s·|g| + ε, or its square s·g² + ε, with numbers s and ε of all elements."""
    if ((g == 0) != (d == 0)).any() or ((d * g < 0).any() and (d * g > 0).any()):
        return False
    there = g != 0
    slope, size = np.abs(g[there] / d[there]), np.abs(g[there])
    return _is_affine(size, slope) or _is_affine(size**2, slope**2)


def _are_remembered(gradients: Mapping[str, Array], outlives: Iterable[Array]) -> bool:
    """Tell whether an array holds the squares of the largest gradient, times a number and beside one."""
    largest = max(gradients.values(), key=np.size)
    real = (a for a in outlives if isinstance(a, np.ndarray) and a.dtype.kind == "f")
    laid_out = (each for a in real for each in (a, a.T) if each.shape == largest.shape)
    return any(
        np.isfinite(a).all() and a.any() and _is_affine(largest.ravel() ** 2, a.ravel()) for a in laid_out
    )


def _is_affine(x: Array, y: Array) -> bool:
    """Tell whether y is s·x + ε with s > 0 and ε ≥ 0, but for rounding; plain gradients have s = 0."""
    columns = np.stack([x, np.ones_like(x)], axis=1)
    (s, e), *_ = np.linalg.lstsq(columns, y, rcond=None)
    return bool(s * x.max() > SAME * y.max() and e >= -SAME * y.max()) and _same(y, s * x + e)


def _decays(g: Array, d: Array, w: Array, matrices: list[bool], sizes: list[int]) -> bool:
    """Tell whether d = r · (g + λ·w) with λ the same wherever it isn't 0, as it isn't of some matrix."""
    starts = np.cumsum([0, *sizes])
    spans = [slice(a, b) for a, b in itertools.pairwise(starts)]
    fits = [np.linalg.lstsq(np.stack([g[s], w[s]], axis=1), d[s], rcond=None)[0] for s in spans]
    decayed = [
        abs(lam) * np.abs(w[s]).max() > SAME * np.abs(d[s]).max()
        for (_, lam), s in zip(fits, spans, strict=True)
    ]
    if not any(is_one and on for is_one, on in zip(matrices, decayed, strict=True)):
        return False
    kept = np.concatenate([w[s] if on else np.zeros_like(w[s]) for s, on in zip(spans, decayed, strict=True)])
    (r, lam), *_ = np.linalg.lstsq(np.stack([g, kept], axis=1), d, rcond=None)
    matters = abs(r) * np.abs(g).max() > SAME * np.abs(d).max()
    return bool(matters and r * lam > 0) and _same(d, r * g + lam * kept)
