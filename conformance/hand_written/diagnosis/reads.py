"""Every way in which the gradient of one parameter may be formed from δ: what multiplies it, and how it is summed."""

from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.faults import Choices
from conformance.faults.forward import Scan
from conformance.faults.parameters import last_of_equals, read_input, read_state
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.fit import SCREEN, Fit, fit
from refrnn import Array

CELL = {"weight_ih_l0": "ih", "weight_hh_l0": "hh", "bias_ih_l0": "b", "bias_hh_l0": "b"}
"""The parameters of one layer, and how their seams are called."""

STEPS = {"first step": slice(1), "last step": slice(-1, None)}
"""The steps that count, by how they are reduced, where not all do."""


class Former(Struct, frozen=True, kw_only=True):
    """Forms gradients of the parameters of one scan from very many δ and dL/dh at once."""

    scan: Scan
    base: Choices
    repeats: Mapping[str, Array]

    @classmethod
    def of(cls, scan: Scan, base: Choices) -> "Former":
        """Return what forms gradients after this forward pass."""
        kept = {how: last_of_equals(scan.x, how) for how in alternatives("repeats")[1:]}
        telling = {how: mask for how, mask in kept.items() if not mask.all()}
        if len(telling) > 1 and np.array_equal(*telling.values()):
            del telling["last of all"]  # no other step has what a step has: the two are one
        return cls(scan=scan, base=base, repeats=telling)

    def fits(
        self, kind: str, target: Array, d_a: Array, d_h: Array, limit: float | None, most: int | None = None
    ) -> list[tuple[Change, Fit]]:
        """Return for every way of forming a gradient how it fits `target`, for δ and dL/dh (N, T, B, H)."""
        per_row = target.ndim > (1 if kind == "b" else 2)
        return [
            (change, fit(self.gradient(kind, change, d_a, d_h), target, limit))
            for change in ways(
                kind,
                rows=d_a.shape[2],
                per_row=per_row,
                filled=filled(target),
                repeats=tuple(self.repeats),
            )
            if most is None or len(change) <= most + per_row
        ]

    def gradient(self, kind: str, change: Change, d_a: Array, d_h: Array) -> Array:
        """Return the gradients (N, *shape) for δ and dL/dh (N, T, B, H)."""
        choices = replace(self.base, **change)
        delta = d_h if f"formed_{kind}" in change else d_a
        steps = STEPS.get(getattr(choices, f"reduce_{kind}"), slice(None))
        rows = slice(1) if choices.rows == "first row" else slice(None)
        if "repeats" in change:
            delta = delta * self.repeats[change["repeats"]]
        delta = delta[:, steps, rows]
        by_row = "per row" in (choices.rows, choices.bias_gradients)
        if kind == "b":
            found = delta.sum(axis=1 if by_row else (1, 2))
            over_units = choices.bias_gradients == "over units"
            return np.broadcast_to(found.sum(axis=-1, keepdims=True), found.shape) if over_units else found
        y = (read_input if kind == "ih" else read_state)(choices, self.scan)[steps, rows]
        if by_row:
            found = np.einsum("ntbh,tbi->nbhi", delta, y)
        else:
            found = delta.reshape(len(delta), -1, delta.shape[-1]).swapaxes(1, 2) @ y.reshape(-1, y.shape[-1])
        if choices.outer == "inner":
            return np.broadcast_to(
                np.trace(found, axis1=-2, axis2=-1)[..., np.newaxis, np.newaxis], found.shape
            )
        return found.mT if choices.outer == "transposed" else found


def filled(target: Array) -> bool:
    """Return whether one number fills a gradient, so that its elements tell nothing apart."""
    return target.size > 1 and target.any() and np.ptp(target) <= SCREEN[True] * np.abs(target).max()


@cache
def ways(
    kind: str, *, rows: int, per_row: bool, filled: bool = False, repeats: tuple[str, ...] = ()
) -> list[Change]:
    """Return all choices of how one kind of gradient is formed, the right one first.

    Sums over units are among them where one number has `filled` what was shown.
    `repeats` are the ways of losing rows of x that equal others which make a difference here.
    """
    axes: list[list[Change]] = [[{}, {f"formed_{kind}": "of dh"}]]
    if kind == "ih":
        axes += [_of("x_read"), [{}, *({"repeats": how} for how in repeats)]]
    if kind == "hh":
        axes += [_of("h_read"), _of("outer")]
    axes.append([{}, {f"reduce_{kind}": "first step"}, {f"reduce_{kind}": "last step"}])
    if per_row:
        axes.append([{"rows": "per row"}, *([{"bias_gradients": "per row"}] if kind == "b" else [])])
    elif rows > 1:
        axes.append([{}, {"rows": "first row"}])
    if kind == "b" and filled and not per_row:
        axes.append([{}, {"bias_gradients": "over units"}])
    found = [{key: value for part in parts for key, value in part.items()} for parts in product(*axes)]
    return sorted(found, key=len)


def _of(seam: str) -> list[Change]:
    return [{}, *({seam: choice} for choice in alternatives(seam)[1:])]
