"""Constants on whole gradients: the one that all carry, and those by which single parameters differ from it.

Each gradient is known up to a constant of its own once its structure is. A mean over steps, a sum taken twice, or a
gradient over another one's norm are what may set single ones apart; what they share is a matter of the loss.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product

from msgspec import Struct

from conformance.cases import Case
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.fit import SCREEN
from conformance.hand_written.diagnosis.material import CLIPS, Material
from conformance.hand_written.diagnosis.naming import named, nearest

Option = tuple[float, Change]
"""A constant that may set one gradient apart, and the choices that bring it in."""


OF_HEAD = frozenset({HEAD_WEIGHT, HEAD_BIAS})


class Resolved(Struct, frozen=True, kw_only=True):
    """Constants of all gradients as one that all carry, and changes that set single ones apart."""

    scale: float
    change: Change


def resolved(factors: Mapping[str, float], material: Material, norm: float | None) -> Iterator[Resolved]:
    """Yield every reading of `factors` (by gradient; NaN where any would do, 0 where the gradient is dropped).

    `norm` is that of the gradient of W_ih as shown.
    """
    case = material.problem.case
    known = {name: factor for name, factor in factors.items() if math.isfinite(factor) and factor != 0}
    dropped = _of_dropped({name for name, factor in factors.items() if factor == 0}, set(known))
    limit: Change = {} if material.limit is None else {"clip": f"value {material.limit:.0f}"}
    seen: list[tuple[Change, float]] = []
    averages = dict.fromkeys((1.0, 1 / case.batch))
    for rows, (passed, behind) in product(averages, _passed(known, material)):
        options = {name: _options(name, case, rows, norm) for name in known}
        averaged: Change = {"rows": "mean"} if rows != 1 and any(n.endswith("l0") for n in known) else {}
        beside = {name: f / (1 if name in OF_HEAD else passed) for name, f in known.items()}
        for common, by_norm in _by_norm(beside, options, material):
            whole = {name: f / (common if name in material.parameters else 1) for name, f in beside.items()}
            for base in [_outside(beside, material)] if by_norm else _bases(whole, options):
                for apart in _apart(whole, options, base, rows, material):
                    change = merged(dropped, _of_one(apart, material), averaged, limit, by_norm, behind)
                    if change is not None and (change, base) not in seen:
                        seen.append((change, base))
                        yield Resolved(scale=base, change=change)


def _of_one(change: Change, material: Material) -> Change:
    """Return what is said of the head's gradients said of both, where just one of them was shown."""
    if material.parameters.keys() >= OF_HEAD:
        return change
    twins = {"reduce_head": "reduce_head_bias", "reduce_head_bias": "reduce_head"}
    return change | {twins[seam]: how for seam, how in change.items() if seam in twins}


def _passed(known: Mapping[str, float], material: Material) -> list[Option]:
    """Return what gradients behind the head may carry beside the head's own, first that there is nothing.

    A mean over steps or samples is told by the parameters it is taken of, where nothing else is shown.
    """
    case, found = material.problem.case, [(1.0, Change())]
    if material.problem.d_h_n is not None:
        return found
    shares = () if material.inner else (1 / case.steps, 1 / case.batch)
    behind = [factor for name, factor in known.items() if name not in OF_HEAD]
    ratios = {factor / known[name] for name in OF_HEAD & known.keys() for factor in behind}
    for ratio in sorted(ratios):
        value, name = nearest(ratio, case), name_of(ratio, case, single=material.single)
        if name and value not in (*shares, *(other for other, _ in found)):
            own: Change = {"head_passed": "own", "own_passed": value}
            found.append((value, {"head_passed": "negated"} if value == -1 else own))
    return found


def _by_norm(
    known: Mapping[str, float], options: Mapping[str, list[Option]], material: Material
) -> list[Option]:
    """Return what clipping by norm may have put before the gradients of all parameters, first that there was none."""
    found: list[Option] = [(1.0, {})]
    limit = next((c for c in CLIPS if abs(material.norm - c) <= SCREEN[material.single] * c), None)
    if limit is None:
        return found
    outside = _outside(known, material)
    shown = {
        factor / (value * outside)
        for name, factor in known.items()
        if name in material.parameters
        for value, _ in options[name]
    }
    return found + [
        (common, {"clip": f"norm {limit:.0f}"}) for common in shown if 0 < common < 1 - SCREEN[False]
    ]


def _outside(known: Mapping[str, float], material: Material) -> float:
    """Return the constant of gradients that aren't clipped with those of the parameters, 1 if there are none."""
    return next((factor for name, factor in known.items() if name in material.inner), 1.0)


def _bases(known: Mapping[str, float], options: Mapping[str, list[Option]]) -> list[float]:
    """Return the constants that all gradients may carry, 1 first."""
    found: list[float] = [1.0]
    for name, choices in options.items():
        for value, _ in choices:
            base = known[name] / value
            if all(abs(base - other) > SCREEN[False] * abs(base) for other in found):
                found.append(base)
    return found


def _options(name: str, case: Case, rows: float, norm: float | None) -> list[Option]:
    """Return what may set the gradient `name` apart, first nothing."""
    T, B = case.steps, case.batch
    mean, twice = 1 / T, 2.0
    none: list[Option] = [(1.0, {})]
    match name:
        case "weight_ih_l0":
            found = [*none, (mean, {"reduce_ih": "mean"})]
        case "weight_hh_l0":
            over = [*none]
            if norm:
                over.append((1 / norm, {"clip": "over another's norm"}))
                over += [(1 / norm, {"clip": "another's norm"})] if norm > 1 else []
            found = _with(over, mean, {"reduce_hh": "mean"})
        case "bias_ih_l0" | "bias_hh_l0":
            found = [*none, (twice, {"bias_gradients": "doubled"})]
            found += [(1 / B, {"bias_gradients": "mean over rows"})] if B > 1 else []
            found = _with(found, mean, {"reduce_b": "mean"})
        case _ if name == HEAD_WEIGHT:
            found = [*none, (mean, {"reduce_head": "mean"}), (float(T), {"reduce_head": "every step"})]
        case _ if name == HEAD_BIAS:
            seam = "reduce_head_bias"
            found = [*none, (mean, {seam: "mean"}), (float(T), {seam: "every step"})]
            found = _with(found, twice, {"head_bias": "doubled"})
        case _:
            found = none
    cell = name.endswith("l0")
    return [(value * (rows if cell else 1.0), change) for value, change in found]


def _with(options: list[Option], constant: float, change: Change) -> list[Option]:
    """Return each option by itself, and with one more choice that brings in a constant."""
    return [
        option for value, made in options for option in ((value, made), (value * constant, made | change))
    ]


def _apart(
    known: Mapping[str, float],
    options: Mapping[str, list[Option]],
    base: float,
    rows: float,
    material: Material,
) -> Iterator[Change]:
    """Yield the choices that explain every constant beside `base`, most of them without one of their own."""
    fitting: list[list[Change]] = []
    own = 0
    for name, factor in known.items():
        error = SCREEN[material.single] * abs(factor)
        changes = [change for value, change in options[name] if abs(factor - base * value) <= error]
        if not changes:
            changes = _of_its_own(name, factor / base / (rows if name.endswith("l0") else 1), material)
            own += 1
        fitting.append(changes)
    if own and 2 * own > len(known):
        return
    for chosen in product(*fitting):
        change = merged(*chosen)
        if change is not None and not _twice(change):
            yield change


def _twice(change: Change) -> bool:
    """Return whether a bias is said to carry one constant of its own and another one that it shares."""
    return "scale_b" in change and not {"reduce_b", "bias_gradients"}.isdisjoint(change)


OWN = {
    "weight_ih_l0": ("scale_ih", "own_ih"),
    "weight_hh_l0": ("scale_hh", "own_hh"),
    "bias_ih_l0": ("scale_b", "own_b"),
    "bias_hh_l0": ("scale_b", "own_b"),
    HEAD_WEIGHT: ("scale_head", "own_head"),
    HEAD_BIAS: ("scale_head_bias", "own_head_bias"),
}
"""The seams at which the gradients of single parameters may carry a constant of their own, and where that is kept."""


def _of_its_own(name: str, ratio: float, material: Material) -> list[Change]:
    """Return the choice of one gradient that carries `ratio` beside what all carry, if the sizes make that number."""
    case = material.problem.case
    if name not in OWN or not name_of(ratio, case, single=material.single):
        return []
    seam, kept = OWN[name]
    return [{seam: "own", kept: nearest(ratio, case)}]


def merged(*changes: Change | None) -> Change | None:
    """Return all changes as one, None where two contradict each other or one is None."""
    found: Change = {}
    for change in changes:
        if change is None or any(found.get(key, value) != value for key, value in change.items()):
            return None
        found |= change
    return found


def _of_dropped(dropped: set[str], known: set[str]) -> Change | None:
    """Return the choices that leave these gradients zero."""
    change: Change = {}
    biases = {"bias_ih_l0", "bias_hh_l0"}
    if dropped & biases:
        alone = dropped & biases if known & biases else biases
        change["bias_gradients"] = {
            frozenset(biases): "both dropped",
            frozenset({"bias_ih_l0"}): "b_ih dropped",
            frozenset({"bias_hh_l0"}): "b_hh dropped",
        }[frozenset(alone)]
    if HEAD_BIAS in dropped:
        change["head_bias"] = "dropped"
    matrices = {"weight_ih_l0", "weight_hh_l0", HEAD_WEIGHT}
    change |= {OWN[name][0]: "zero" for name in dropped & matrices}
    return change if dropped <= biases | matrices | {HEAD_BIAS} else None


def name_of(factor: float, case: Case, *, single: bool) -> str:
    """Return a constant by the sizes of `case`, empty if they don't make it."""
    return named(factor, case, SCREEN[single] * abs(factor))


def awkwardness(factor: float, case: Case, *, single: bool) -> int:
    """Return how much there is to say about a constant: nothing about 1, the most about one without a name."""
    name = name_of(factor, case, single=single)
    return 0 if name == "1" else len(name) or 100
