"""Known quantities found by value among everything that a run left behind."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.loading.stubs import is_stub
from conformance.hand_written.calling.running.program import Ran
from conformance.hand_written.calling.running.reach import Reached, reach
from conformance.hand_written.calling.values.forms import Form, axes_of, numeric
from refrnn import Array

SAME = 1e-5
"""Relative to the largest value: networks that differ differ by more, float32 by less. It finds, it judges nothing."""


class Series(Struct, frozen=True, kw_only=True):
    """Numbers that may be a sequence: stacked, the container they came from, and the path inside each element."""

    base: str
    inner: str
    container: str
    stacked: Array
    first: int = 0

    @property
    def source(self) -> str:
        """The expression of the sequence as the code holds it."""
        if not self.inner:
            return self.base
        if self.container == "dict":
            return f"[{self.base}[t]{self.inner} for t in sorted({self.base})]"
        return f"[element{self.inner} for element in {self.base}]"


class Match(Struct, frozen=True, kw_only=True):
    """A quantity of the truth recognised in what a run left behind.

    Attributes
    ----------
    quantity
        Its name among the truths.
    source
        The expression of the thing as the code holds it.
    form
        How that is laid out.
    expression
        The expression of it as (T, B, N), or as (1, B, N) where it is the last step alone.
    last
        Whether it is the last step alone.
    right
        Of how many steps the values agree.
    """

    quantity: str
    source: str
    form: Form
    expression: str
    last: bool
    right: int


def everything(ran: Ran, roots: Sequence[str]) -> list[Reached]:
    """Return all that can be reached from the named roots, then from what functions held when they returned."""
    seen: set[int] = set()
    found: list[Reached] = []
    for root in roots:
        if root == "code":
            for name, value in _globals(ran.names["code"]).items():
                found += reach(f"code.{name}", value, seen=seen)
        elif root in ran.names:
            found += reach(root, ran.names[root], seen=seen)
    for name, calls in ran.seen.items():
        found.append(Reached(f"seen[{name!r}]", calls))
        for key, inner in calls[-1].items():
            found += reach(f"seen[{name!r}][-1][{key!r}]", inner, seen=seen)
    return found


def _globals(module: Any) -> dict[str, Any]:
    """Return the globals that may hold numbers."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("__") and not isinstance(value, (type, ModuleType)) and not is_stub(value)
    }


def recognised(items: Iterable[Reached], truths: Mapping[str, Array]) -> list[Match]:
    """Return every match, in the order of the items; of a list of all steps no element alone is one."""
    items = list(items)
    steps, batch = next(iter(truths.values())).shape[:2]
    inner = no_last_steps(items, steps)
    sizes = {n * batch * t.shape[2] for t in truths.values() for n in (1, steps, steps + 1)}
    found = []
    for sequence in series_in(items, steps):
        if sequence.stacked.size in sizes:
            matches = _matches(sequence, truths)
            found += [match for match in matches if not (match.last and sequence.base in inner)]
    return found


def fits(items: Iterable[Reached], truths: Mapping[str, Array]) -> bool:
    """Tell whether anything has the shape of a truth: without that, no values of the parameters make a match."""
    steps = next(iter(truths.values())).shape[0]
    shapes = {truth.shape: truth for truth in truths.values()}
    return any(
        next(views(series, truth), None) is not None
        for series in series_in(items, steps)
        for truth in shapes.values()
    )


def no_last_steps(items: Iterable[Reached], steps: int) -> set[str]:
    """Return the paths of elements of lists and dicts of all steps that are not the last step by themselves.

    Where all elements are alike, the list is read as a whole: one whose last element alone is right is a wrong one.
    """
    found: set[str] = set()
    for item in items:
        kept = item.value
        if not isinstance(kept, (list, tuple, dict)) or not steps <= len(kept) <= steps + 1 or steps == 1:
            continue
        numbered = isinstance(kept, dict) and all(isinstance(key, int) for key in kept)
        keys = sorted(kept) if numbered else list(kept) if isinstance(kept, dict) else list(range(len(kept)))
        shapes = {shape_of(kept[key]) for key in keys}
        alike = len(shapes) == 1 and None not in shapes
        found |= {f"{item.path}[{key!r}]" for key in (keys if alike else keys[:-1])}
    return found


def series_in(items: Iterable[Reached], steps: int) -> Iterator[Series]:
    """Yield everything that may be a sequence: arrays, and what the entries of containers have in common."""
    for item in items:
        array = numeric(item.value)
        if array is not None:
            yield Series(base=item.path, inner="", container="array", stacked=array)
        elif isinstance(item.value, (list, tuple, dict)) and steps <= len(item.value) <= steps + 1:
            yield from _columns(item)
        elif (
            isinstance(item.value, (list, tuple)) and item.value and isinstance(item.value[0], (float, list))
        ):
            yield from _nested(item)


def _columns(item: Reached) -> Iterator[Series]:
    """Yield what the elements of a container have in common: themselves, or the same entry of each."""
    if isinstance(item.value, dict):
        if not all(isinstance(key, int) for key in item.value):
            return
        elements, kind, first = [item.value[key] for key in sorted(item.value)], "dict", min(item.value)
    else:
        elements, kind, first = list(item.value), "tuple" if isinstance(item.value, tuple) else "list", 0
    leaves = [{r.path: numeric(r.value) for r in reach("", e, depth=4)} for e in elements]
    for inner, array in leaves[0].items():
        parts = [leaf.get(inner) for leaf in leaves]
        if item.path.startswith("seen[") and all(part is array for part in parts):
            continue  # calls that saw one object: it holds what it was left with, not what each call saw
        if array is not None and all(part is not None and part.shape == array.shape for part in parts):
            yield Series(base=item.path, inner=inner, container=kind, stacked=np.array(parts), first=first)
    yield from _nested(item)


def _nested(item: Reached) -> Iterator[Series]:
    """Yield lists of plain numbers, nested or not, as one array."""
    if isinstance(item.value, list) and item.value and isinstance(item.value[0], (list, float)):
        try:
            stacked = np.array(item.value, dtype=float)
        except (TypeError, ValueError):
            return
        yield Series(base=item.path, inner="", container="nested", stacked=stacked)


def _matches(sequence: Series, truths: Mapping[str, Array]) -> Iterator[Match]:
    for name, truth in truths.items():
        if "softmax" in name and truth.shape[2] == 1:  # always 1, or 0
            continue
        for form, view in views(sequence, truth):
            right, shift = agreement(view, truth)
            if right == 0:
                continue
            last = view.shape[0] == 1 and truth.shape[0] != 1
            yield Match(
                quantity=name,
                source=sequence.source,
                form=form,
                expression=_shifted(form.decode(sequence.source), view.shape[0], truth.shape[0], shift),
                last=last,
                right=right,
            )


def views(sequence: Series, truth: Array) -> Iterator[tuple[Form, Array]]:
    """Yield the readings of a sequence as (n, B, N)."""
    steps, batch, width = truth.shape
    array = sequence.stacked
    for axes, _ in axes_of(array.shape, steps, batch, width):
        if sequence.container not in ("array", "nested") and not axes.startswith("T"):
            continue
        yield form_of(sequence, axes), _view(array, axes)
    if sequence.container == "array" and array.shape == (steps * batch, width) and batch > 1 < steps:
        yield Form("flat", ""), array.reshape(steps, batch, width)
        yield Form("flat by sample", ""), array.reshape(batch, steps, width).swapaxes(0, 1)


def form_of(sequence: Series, axes: str) -> Form:
    """Return the form of a sequence whose axes are known."""
    container = "list" if sequence.container == "dict" and sequence.inner else sequence.container
    return Form(container, axes, sequence.first)  # pyright: ignore[reportArgumentType]


def match_of(series: Series, axes: str, *, quantity: str, last: bool) -> Match:
    """Return a series read with certain axes as `quantity`, whose values nobody has compared yet."""
    form = form_of(series, axes)
    return Match(
        quantity=quantity,
        source=series.source,
        form=form,
        expression=form.decode(series.source),
        last=last,
        right=0,
    )


def _view(array: Array, axes: str) -> Array:
    kept = axes.replace("1", "")
    squeezed = array[tuple(0 if letter == "1" else slice(None) for letter in axes)]
    ordered = squeezed.transpose([kept.index(letter) for letter in "TBN" if letter in kept])
    return ordered[tuple(slice(None) if letter in kept else None for letter in "TBN")]


def agreement(view: Array, truth: Array) -> tuple[int, int]:
    """Return how many steps agree, at the better of the possible shifts, and that shift.

    A last step of zeros says nothing.
    """
    scale = np.abs(truth).max() or 1.0
    best = (0, 0)
    n, steps = view.shape[0], truth.shape[0]
    if n == 1 and steps != 1:
        return int(bool(np.any(truth[-1])) and _close(view[0], truth[-1], scale)), 0
    for shift in range(n - steps, -1, -1):
        off = np.abs(view[shift : shift + steps] - truth).max(axis=(1, 2))  # (T,)
        best = max(best, (int(np.count_nonzero(off <= SAME * scale)), shift))
    return best


def _close(got: Array, true: Array, scale: float) -> bool:
    return bool(np.abs(got - true).max() <= SAME * scale)


def _shifted(text: str, have: int, want: int, shift: int) -> str:
    if have <= want:
        return text
    return f"{text}[1:]" if shift else f"{text}[:-1]"


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of an array, None of anything else."""
    return value.shape if isinstance(value, np.ndarray) else None
