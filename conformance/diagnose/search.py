"""The search: from few wrong choices in the backward loop to many, and for each that fits what must be wrong besides.

The gradient of the bias is Σ δ_t and knows nothing of x or of h_{t-1}, so it alone decides on the loop; then dW_ih
decides on x, dW_hh on the state it was multiplied with, and the head on its own seams. A product of all seams becomes
a sum.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.diagnose.axes import Axes, Change, Plans, axes_of
from conformance.diagnose.constants import resolved
from conformance.diagnose.cover import FaultSet, covers
from conformance.diagnose.fit import SCREEN, Fit
from conformance.diagnose.forwards import scanned
from conformance.diagnose.heads import HeadReading, head_readings
from conformance.diagnose.leaving import inner_fits
from conformance.diagnose.loops import Found, Tables
from conformance.diagnose.material import Material
from conformance.diagnose.reads import CELL, Former
from conformance.faults import Choices
from conformance.faults.forward import Scan

DEEPEST = 4
"""The most mistakes in the backward loop alone that are tried at once."""

BLOCK = 4096
"""Plans that are run together."""

SPARE = 1
"""How many more choices than needed a reading of one gradient may have: one catalogue entry may make several."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """Choices whose gradients, times `scale`, come near everything that was shown."""

    choices: Choices
    scale: float
    faults: FaultSet


@dataclass(slots=True, kw_only=True)
class Searched:
    """What a search came upon.

    Attributes
    ----------
    hypotheses
        What comes near everything shown.
    partial
        Loops that come near some gradients, with those that they don't explain.
    nearest
        The smallest relative error of a loop that doesn't fit, on the gradient that decides.
    """

    hypotheses: list[Hypothesis] = field(default_factory=list)
    partial: list["Partial"] = field(default_factory=list)
    nearest: float = np.inf
    tried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Choices that explain some gradients, and the names of the others."""

    choices: Choices
    explained: tuple[str, ...]
    unexplained: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One forward pass, and everything that a search over backward loops needs."""

    material: Material
    base: Choices
    scan: Scan
    axes: Axes
    tables: Tables
    former: Former
    heads: list[HeadReading]
    key: str

    @classmethod
    def of(cls, material: Material, base: Choices, scan: Scan | None = None) -> "Setting":
        """Prepare the search for what follows the forward pass of `base`."""
        scan = scanned(material, base) if scan is None else scan
        axes = axes_of(material.problem, material.rate)
        readings = head_readings(material, scan, base)
        scale = 1.0
        if readings:
            losses = [axes["head_loss"].alternatives.index(_loss(reading.change)) for reading in readings]
            axes = axes.restricted("head_loss", tuple(dict.fromkeys(losses)))
            scale = next((f for f in readings[0].factors.values() if f), 1.0)
        return cls(
            material=material,
            base=base,
            scan=scan,
            axes=axes,
            tables=Tables.of(material, axes, scan, base, scale),
            former=Former(scan=scan, base=base),
            heads=readings or [HeadReading(change={}, factors={})],
            key=deciding(material),
        )


def _loss(change: Change) -> Change:
    return {key: value for key, value in change.items() if key == "head_loss"}


def deciding(material: Material) -> str:
    """Return the gradient that decides on the backward loop: that of a bias, or else the next one with most to say."""
    for name in ("bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0"):
        shown = material.parameters.get(name)
        if shown is not None and shown.any() and shown.size > 2:
            return name
    return next((name for name in ("d_pre", "d_hidden", "d_x", "d_h_0") if name in material.inner), "")


def search(setting: Setting, progress: Progress = lambda _: None, deepest: int = DEEPEST) -> Searched:
    """Search for the fewest mistakes that reproduce what was shown."""
    found = Searched()
    for count in range(deepest + 1):
        for plans in _blocks(setting.axes.plans(count)):
            found.tried += len(plans)
            _tried(setting, plans, found)
        fewest = min((len(h.faults) for h in found.hypotheses), default=DEEPEST + 1)
        progress(f"tried {found.tried:,} backward loops with up to {count} mistakes")
        if fewest <= max(count, 1):
            break
    return found


def _blocks(plans: Iterator[Plans]) -> Iterator[Plans]:
    """Yield the same plans in blocks that are neither too small nor too large to be run together."""
    waiting: list[Plans] = []
    for part in plans:
        waiting.append(part)
        if sum(map(len, waiting)) >= BLOCK:
            yield from np.array_split(np.concatenate(waiting), -(-sum(map(len, waiting)) // BLOCK))
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _tried(setting: Setting, plans: Plans, found: Searched) -> None:
    """Run one block of plans and keep what comes near."""
    with np.errstate(all="ignore"):
        loops = setting.tables.run(plans)
        near = np.zeros(len(plans), bool)
        for _, fitted in _fits(setting, setting.key, plans, loops):
            near |= fitted.residual <= SCREEN[setting.material.single]
            rest = fitted.residual[~near]
            found.nearest = min(found.nearest, float(rest.min(initial=np.inf)))
        rows = np.flatnonzero(near)
        if len(rows):
            chosen = Found(d_h=loops.d_h[rows], d_a=loops.d_a[rows], d_h_0=loops.d_h_0[rows])
            _assembled(setting, plans[rows], chosen, found)


def _fits(setting: Setting, name: str, plans: Plans, loops: Found) -> list[tuple[Change, Fit]]:
    """Return how every way of forming one gradient fits it."""
    material = setting.material
    if name in CELL:
        return setting.former.fits(CELL[name], material.parameters[name], loops.d_a, loops.d_h)
    return inner_fits(name, material.inner[name], setting.tables, plans, loops, material.rate)


def _assembled(setting: Setting, plans: Plans, loops: Found, found: Searched) -> None:
    """Put together what explains all gradients, for loops that explain the deciding one."""
    material = setting.material
    names = [name for name in material.parameters if name in CELL] + list(material.inner)
    fits = {name: _fits(setting, name, plans, loops) for name in names if not _dropped(material, name)}
    for row, plan in enumerate(plans):
        choices = setting.axes.choices(plan, setting.base)
        readings = {name: _readings(fitted, row, single=material.single) for name, fitted in fits.items()}
        missing = tuple(name for name, ways in readings.items() if not ways)
        if missing:
            explained = tuple(name for name in readings if name not in missing)
            found.partial.append(Partial(choices=choices, explained=explained, unexplained=missing))
            continue
        for name in names:
            if name not in readings:
                readings[name] = [({}, 0.0)]
        found.hypotheses += _hypotheses(setting, choices, readings)


def _dropped(material: Material, name: str) -> bool:
    """Return whether the gradient of a bias is zero, which tells nothing about the loop."""
    return name.startswith("bias") and not material.parameters[name].any()


def _readings(fitted: list[tuple[Change, Fit]], row: int, *, single: bool) -> list[tuple[Change, float]]:
    """Return the ways that fit one loop, those with few wrong choices alone."""
    near = [(change, float(f.factor[row])) for change, f in fitted if f.residual[row] <= SCREEN[single]]
    least = min((len(change) for change, _ in near), default=0)
    return [(change, factor) for change, factor in near if len(change) <= least + SPARE]


def _hypotheses(
    setting: Setting, choices: Choices, readings: dict[str, list[tuple[Change, float]]]
) -> Iterator[Hypothesis]:
    """Yield every way to put together one reading of each gradient."""
    material = setting.material
    shown = material.parameters.get("weight_ih_l0")
    norm = None if shown is None else float(np.linalg.norm(shown))
    heads = [
        reading
        for reading in setting.heads
        if reading.change.get("head_loss", choices.head_loss) == choices.head_loss
    ]
    for head in heads:
        for ways in product(*readings.values()):
            change = _together([head.change, *(change for change, _ in ways)])
            if change is None:
                continue
            factors = dict(zip(readings, (factor for _, factor in ways), strict=True)) | head.factors
            for constants in resolved(
                _rescaled(setting, factors), material.problem.case, norm, single=material.single
            ):
                whole = _together([change, constants.change])
                if whole is None:
                    continue
                made = replace(choices, **whole)
                for faults in covers(made):
                    yield Hypothesis(choices=made, scale=constants.scale, faults=faults)


def _rescaled(setting: Setting, factors: dict[str, float]) -> dict[str, float]:
    """Return all factors against the cotangents as given: loops were run with the head's factor in them."""
    first = next((f for f in setting.heads[0].factors.values() if f), 1.0)
    return {
        name: factor if name in (HEAD_WEIGHT, HEAD_BIAS) else factor * first
        for name, factor in factors.items()
    }


def _together(changes: list[Change]) -> Change | None:
    """Return all changes as one, None where two contradict each other."""
    merged: Change = {}
    for change in changes:
        if any(merged.get(key, value) != value for key, value in change.items()):
            return None
        merged |= change
    return merged
