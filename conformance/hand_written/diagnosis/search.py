"""The search: from few wrong choices in the backward loop to many, and for each that fits what must be wrong besides.

The gradient of the bias is Σ δ_t and knows nothing of x or of h_{t-1}, so it alone decides on the loop; then dW_ih
decides on x, dW_hh on the state it was multiplied with, and the head on its own seams. A product of all seams becomes
a sum. Where the bias tells too little (only its last step survives, say), another gradient decides.
"""

from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.budget import Budget
from conformance.hand_written.diagnosis.assembly import Hypothesis, Partial, assembled, hypotheses_of
from conformance.hand_written.diagnosis.axes import Plans
from conformance.hand_written.diagnosis.fit import SCREEN
from conformance.hand_written.diagnosis.loops import Found
from conformance.hand_written.diagnosis.setting import Setting

DEEPEST = 4
"""The most mistakes in the backward loop alone that are tried at once."""

SHALLOW = 1
"""Up to so many, every gradient is tried as the deciding one."""

ALONE = 2
"""Up to so many, where the head's gradients rule out that one set explains everything."""

BLOCK = 4096
"""Plans that are run together."""

MOST = 7
"""The most faults that a set may have."""

Progress = Callable[[str], None]


class Searched(Struct, kw_only=True):
    """What a search came upon.

    Attributes
    ----------
    hypotheses
        What comes near everything shown.
    partial
        Loops that come near some gradients, with those that they don't explain.
    nearest
        For each gradient that decided, the smallest error of a loop that doesn't fit, over its largest element.
    matches
        How many loops explain each gradient that can decide.
    tried
        How many loops were run.
    stopped
        How many mistakes at once were being tried when its budget was spent; None where the search came to its end.
    """

    hypotheses: list[Hypothesis] = field(default_factory=list)
    partial: list[Partial] = field(default_factory=list)
    nearest: dict[str, float] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)
    tried: int = 0
    stopped: int | None = None

    @property
    def fewest(self) -> int:
        """The number of faults of the smallest set found."""
        return min((h.cost for h in self.hypotheses), default=MOST)


def search(
    setting: Setting,
    progress: Progress = lambda _: None,
    deepest: int = DEEPEST,
    budget: Budget | None = None,
) -> Searched:
    """Search for the fewest mistakes that reproduce what was shown, in a `budget` of numbers that loops compute."""
    budget = Budget() if budget is None else budget
    found = Searched(matches=dict.fromkeys(setting.deciding, 0))
    if not setting.deciding:  # nothing was shown of a backward pass
        found.hypotheses += hypotheses_of(setting, setting.base, 1.0)
        return found
    if not setting.head_explained:
        deepest = min(deepest, ALONE)
    for count in range(deepest + 1):
        keys = setting.deciding if count <= SHALLOW else _most_telling(setting, found)
        for plans in _blocks(setting.axes.plans(count)):
            if budget.over:
                found.stopped = count
                return found
            budget.spend(len(plans) * setting.tables.scan.states.size)
            _tried(setting, plans, keys, max(deepest - count, 1), found)
            if found.tried // BLOCK % 8 == 0:
                progress(f"tried {found.tried:,} backward loops, now with {count} mistakes")
        if found.fewest <= max(count, 1):
            break
    return found


def _most_telling(setting: Setting, found: Searched) -> tuple[str, ...]:
    """Return the gradient that the fewest loops explain by themselves, the first of equals."""
    return tuple(sorted(setting.deciding, key=lambda name: found.matches[name])[:1])


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


def _tried(setting: Setting, plans: Plans, keys: tuple[str, ...], most: int, found: Searched) -> None:
    """Run one block of plans and keep what comes near, with at most `most` wrong choices in the deciding gradient."""
    found.tried += len(plans)
    with np.errstate(all="ignore"):
        loops = setting.tables.run(plans)
        for key in keys:
            near = np.zeros(len(plans), bool)
            for _, fitted in setting.fits(key, plans, loops, most):
                near |= fitted.residual <= SCREEN[setting.material.single]
                missed = float(fitted.residual[~near].min(initial=np.inf))
                found.nearest[key] = min(found.nearest.get(key, np.inf), missed)
            rows = np.flatnonzero(near)
            found.matches[key] += len(rows)
            if len(rows):
                chosen = Found(d_h=loops.d_h[rows], d_a=loops.d_a[rows], d_h_0=loops.d_h_0[rows])
                whole, partial = assembled(setting, plans[rows], chosen, key, found.fewest)
                found.hypotheses += whole
                found.partial += partial
