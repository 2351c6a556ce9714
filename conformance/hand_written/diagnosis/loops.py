"""Very many backward loops at once: the same loop as the catalogue's own, over a table of plans.

    dh_t = entry_t + stream        δ_t = entry_t ⊙ s_t + stream ⊙ s'_t        stream of t−1 = (δ_t or dh_t) M

All that a plan chooses is an index into tables that were made once: of entries, slopes, masks and matrices. Plans
whose gradients go back a limited way carry one stream for each number of steps gone back.
"""

from itertools import product

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from conformance.faults import Choices
from conformance.faults.backward import entered_at, misaligned, reaching, visits, walk
from conformance.faults.entry import entered
from conformance.faults.forward import Scan
from conformance.faults.head import through
from conformance.faults.parameters import read_state
from conformance.faults.seams import alternatives
from conformance.faults.slopes import slopes
from conformance.hand_written.diagnosis.axes import Axes, Plans
from conformance.hand_written.diagnosis.material import Material
from refrnn import Array

ENTRIES = ("head_loss", "head_carry", "entry", "d_h_n")
"""The axes that make up what enters at every step."""


OF_WEIGHTS = ("untransposed", "input weights", "end of [h; x]", "start of [x; h]")
"""Wrong carries that read the weights, which an update inside the loop changes."""


class Found(Struct, frozen=True, kw_only=True):
    """What many backward loops found, one after the other on the first axis."""

    d_h: Array  # (N, T, B, H)
    d_a: Array  # (N, T, B, H)
    d_h_0: Array  # (N, B, H) what the loop carried last


class Tables(Struct, frozen=True, kw_only=True):
    """What plans choose from, for one problem and one scan.

    Attributes
    ----------
    axes, scan
        The axes of the problem, and the states that backward loops see.
    entries, arriving
        What enters at every step (·, T, B, H), and what reaches the last one from behind (·, B, H).
    slopes
        What stands for f' (·, T, B, H), the last one 1 everywhere.
    walked, kept
        Whether the loop visits a step, and whether gradients go on from it (·, T).
    read
        The states that updates inside the loop form dW_hh from (·, T, B, H).
    """

    axes: Axes
    scan: Scan
    entries: Array
    arriving: Array
    slopes: Array
    walked: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.bool_]
    read: Array

    @classmethod
    def of(cls, material: Material, axes: Axes, scan: Scan, base: Choices, scale: float) -> "Tables":
        """Make the tables for the cotangents of `material` times `scale`."""
        problem = material.problem
        entries, arriving = [], []
        for index in np.ndindex(axes.sizes(*ENTRIES)):
            choices = _chosen(axes, dict(zip(ENTRIES, index, strict=True)), base)
            d_output = material.seen * scale
            if problem.head is not None:
                d_output = through(
                    choices, problem.head, scan.states, material.seen, scan.h_0, scale
                ).d_output
            entry, streams = reaching(choices, entered(choices, d_output), material.d_h_n * scale)
            entries.append(entry)
            arriving.append(streams[0])
        taken = []
        for index in np.ndindex(axes.sizes("derivative", "slope_at")):
            choices = _chosen(axes, dict(zip(("derivative", "slope_at"), index, strict=True)), base)
            taken.append(slopes(choices, scan))
        walked, kept = [], []
        for index in np.ndindex(axes.sizes("steps", "truncation")):
            choices = _chosen(axes, dict(zip(("steps", "truncation"), index, strict=True)), base)
            walked.append([w for _, w in sorted(walk(choices, len(scan.x)))])
            cut = choices.truncation == "segments"
            kept.append([not (cut and t > 0 and t % choices.reach == 0) for t in range(len(scan.x))])
        return cls(
            axes=axes,
            scan=scan,
            entries=np.array(entries),
            arriving=np.array(arriving),
            slopes=np.array([*taken, np.ones_like(scan.a)]),
            walked=np.array(walked),
            kept=np.array(kept),
            read=np.array(
                [
                    read_state(_chosen(axes, {"update": n}, base), scan)
                    for n in range(len(axes["update"].alternatives))
                ]
            ),
        )

    def run(self, plans: Plans) -> Found:
        """Run the loops of all `plans`."""
        reach, entered = self._reach(plans), self.choosing(plans, "slope_at", "entered")
        forwards = self.choosing(plans, "order", "forwards")
        parts = np.empty((len(plans), *self.scan.a.shape))
        found = Found(d_h=parts, d_a=np.empty_like(parts), d_h_0=np.empty((len(plans), *self.scan.h_0.shape)))
        limited = (reach < len(self.scan.x)) | entered
        for streams, order in product((~limited, limited), alternatives("order")):
            rows = np.flatnonzero(streams & (forwards == (order == "forwards")))
            if len(rows):
                visited = visits(Choices(order=order), len(self.scan.x))
                loop = _Loops(self, plans[rows], reach[rows], visited).run()
                found.d_h[rows], found.d_a[rows], found.d_h_0[rows] = loop.d_h, loop.d_a, loop.d_h_0
        return found

    def _reach(self, plans: Plans) -> npt.NDArray[np.intp]:
        """Return how many steps gradients go back at most, T where there is no limit."""
        steps = len(self.scan.x)
        by_alternative = np.array(
            [
                change["reach"] if change.get("truncation") == "windows" else steps
                for change in self.axes["truncation"].alternatives
            ]
        )
        return by_alternative[plans[:, self.axes.column("truncation")]]

    def index(self, plans: Plans, *names: str) -> npt.NDArray[np.intp]:
        """Return the place of each plan in a table over these axes."""
        columns = tuple(plans[:, self.axes.column(name)] for name in names)
        return np.ravel_multi_index(columns, self.axes.sizes(*names))

    def choosing(self, plans: Plans, seam: str, choice: str) -> npt.NDArray[np.bool_]:
        """Return which plans make this choice."""
        makes = np.array([change.get(seam) == choice for change in self.axes[seam].alternatives])
        return makes[plans[:, self.axes.column(seam)]]


def _chosen(axes: Axes, alternative: dict[str, int], base: Choices) -> Choices:
    changes = {}
    for name, n in alternative.items():
        changes |= axes[name].alternatives[n]
    return replace(base, **changes)


class _Loops:
    """One run of many loops in the same order, whose streams are equally many or fewer."""

    def __init__(self, tables: Tables, plans: Plans, reach: npt.NDArray[np.intp], order: range) -> None:
        self.tables, self.plans, self.order = tables, plans, order
        steps = len(tables.scan.x)
        self.entered = np.flatnonzero(self.where("slope_at", "entered"))
        limited = bool((reach < steps).any()) or len(self.entered) > 0
        self.streams = int(reach.max()) + 1 if limited else 1
        self.within = np.arange(1, self.streams) <= reach[:, np.newaxis] if limited else None
        self.slope = tables.index(plans, "derivative", "slope_at")
        self.entry = tables.index(plans, *ENTRIES)
        self.mask = tables.index(plans, "steps", "truncation")
        one = len(tables.slopes) - 1
        self.own_slope = np.where(self.where("joined", "output after"), one, self.slope)
        self.stream_slope = np.where(self.where("joined", "carry after"), one, self.slope)
        self.replaces_all = self.where("arrives", "replaces all output")
        self.replaces = self.where("arrives", "replaces output") | self.replaces_all
        self.of_dh = np.flatnonzero(self.where("carried", "dh"))
        self.twice = np.flatnonzero(self.where("carried", "slope again"))
        self.adding = np.flatnonzero(self.where("arrives", "adds up"))
        self.onto = np.flatnonzero(self.where("arrives", "onto dh"))
        self.clipped = np.flatnonzero(self.where("clip", "carry 1"))
        self.scaled = np.flatnonzero(self.where("clip", "carry norm 1"))
        later = self.where("update", "inside, later")
        self.inside = np.flatnonzero(self.where("update", "inside") | later)
        self.late = np.flatnonzero(later[self.inside])
        self.early = np.flatnonzero(~later[self.inside])
        weights = tables.scan.weights
        self.w_hh = np.repeat(weights.hh[np.newaxis], len(self.inside), axis=0)
        self.w_ih = np.repeat(weights.ih[np.newaxis], len(self.inside), axis=0)
        self.other = {
            kind: rows
            for kind in alternatives("carry")[1:]
            if len(rows := np.flatnonzero(self.where("carry", kind)))
        }
        self.read = tables.read[plans[self.inside, tables.axes.column("update")]]

    def where(self, seam: str, choice: str) -> npt.NDArray[np.bool_]:
        return self.tables.choosing(self.plans, seam, choice)

    def run(self) -> Found:
        tables, n = self.tables, len(self.plans)
        steps, batch, hidden = tables.scan.a.shape
        streams = np.zeros((n, self.streams, batch, hidden))
        streams[:, 0] = tables.arriving[self.entry]
        d_h, d_a = np.empty((n, steps, batch, hidden)), np.empty((n, steps, batch, hidden))
        for t in self.order:
            own = np.zeros_like(streams)
            own[:, 0] = tables.entries[self.entry, t]
            own[self.replaces_all if t == self.order[0] else self.replaces] = 0
            walked = tables.walked[self.mask, t][:, np.newaxis, np.newaxis, np.newaxis]
            dh = own + streams
            delta = own * self._slopes(self.own_slope, t) + streams * self._slopes(self.stream_slope, t)
            d_h[:, t] = dh.sum(axis=1)
            d_a[:, t] = np.where(walked[:, 0], delta.sum(axis=1), 0)
            self._update(d_a, t, self.early)
            back = self._carried(dh, self._sloped_again(delta, t))
            self._update(d_a, t, self.late)
            back[self.adding] += streams[self.adding]
            back[self.onto] += dh[self.onto]
            back[~tables.kept[self.mask, t]] = 0
            if self.within is not None:
                gone = np.zeros_like(back)
                gone[:, 1:] = back[:, :-1]
                gone[:, 1:][~self.within] = 0
                back = gone
            streams = np.where(walked, back, streams)
        return Found(d_h=d_h, d_a=d_a, d_h_0=streams.sum(axis=1))

    def _sloped_again(self, delta: Array, t: int) -> Array:
        """Return what is passed back, times f' once more in the loops that do that: (N, S, B, H)."""
        if not len(self.twice):
            return delta
        found = delta.copy()
        found[self.twice] *= self._slopes(self.slope, t)[self.twice]
        return found

    def _slopes(self, index: npt.NDArray[np.intp], t: int) -> Array:
        """Return what stands for f' at step t, (N, 1, B, H), or (N, S, B, H) where streams have slopes of their own."""
        slopes = self.tables.slopes
        found = slopes[index, t][:, np.newaxis]
        if not len(self.entered):
            return found
        moments = entered_at(self.order, t, self.streams)
        found = np.repeat(found, self.streams, axis=1)
        found[self.entered] = slopes[index[self.entered]][:, moments]
        return found

    def _update(self, d_a: Array, t: int, which: npt.NDArray[np.intp]) -> None:
        """Update the weights of some of the loops that do so as they go."""
        if not len(which):
            return
        rate = self.tables.axes["update"].alternatives[1]["rate"]
        delta = d_a[self.inside[which], t]
        self.w_hh[which] -= rate * np.einsum("nbh,nbk->nhk", delta, self.read[which, t])
        self.w_ih[which] -= rate * np.einsum("nbh,bi->nhi", delta, self.tables.scan.x[t])

    def _carried(self, dh: Array, delta: Array) -> Array:
        """Return what every stream passes back: (N, S, B, H)."""
        w = self.tables.scan.weights
        passed = delta
        if len(self.of_dh):
            passed = delta.copy()
            passed[self.of_dh] = dh[self.of_dh]
        back = passed @ w.hh
        if len(self.inside):
            back[self.inside] = passed[self.inside] @ self.w_hh[:, np.newaxis]
        for kind, rows in self.other.items():
            back[rows] = self._other(kind, rows, passed[rows], back[rows])
        if len(self.clipped):
            back[self.clipped] = np.clip(back[self.clipped], -1, 1)
        if len(self.scaled):
            norm = np.sqrt((back[self.scaled] ** 2).sum(axis=(1, 2, 3), keepdims=True))
            back[self.scaled] /= np.maximum(norm, 1)
        return back

    def _other(self, kind: str, rows: npt.NDArray[np.intp], passed: Array, right: Array) -> Array:
        """Return what is passed back by loops whose carry is wrong in this way."""
        w = self.tables.scan.weights
        if kind in OF_WEIGHTS and np.isin(rows, self.inside).any():
            return self._with_own_weights(kind, rows, passed)
        match kind:
            case "none":
                return np.zeros_like(passed)
            case "no weights":
                return passed
            case "doubled":
                return 2 * right
            case "negated":
                return -right
            case _:
                return passed @ _matrix(kind, w.ih, w.hh)

    def _with_own_weights(self, kind: str, rows: npt.NDArray[np.intp], passed: Array) -> Array:
        """Return the same where some of the loops have changed their weights."""
        w = self.tables.scan.weights
        matrices = np.repeat(_matrix(kind, w.ih, w.hh)[np.newaxis], len(rows), axis=0)
        changed = np.isin(rows, self.inside)
        own = np.searchsorted(self.inside, rows[changed])
        matrices[changed] = _matrix(kind, self.w_ih[own], self.w_hh[own])
        return passed @ matrices[:, np.newaxis]


def _matrix(kind: str, w_ih: Array, w_hh: Array) -> Array:
    """Return the matrices (…, H, H) that stand for W_hh in a wrong carry."""
    if kind == "untransposed":
        return w_hh.mT
    return misaligned(kind, w_ih, w_hh)  # where W_ih is square it is the start of [x; h]
