"""An error of twice its own rounding bound, in one element of one step, is named at exactly that element.

The bounds come from the judge's own findings; nothing here knows how they are made. Where a bound is 0, the next
number is planted, the smallest error there is.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from unittest import mock

import numpy as np
import pytest
import torch
from support import planting
from support.planting import Index, Judged, Shows
from torch.utils._python_dispatch import TorchDispatchMode

from conformance import SUITES, Case, Observation, Problem, Subject, examine, load_subject, parse_id
from conformance.judge import Finding
from conformance.subjects import torch_graph, torch_steps

SUBJECTS = ("torch", "torch-steps")
LONGEST = 50
"""Steps of the longest sampled trajectory; one far longer has a test of its own."""


def kinds_of_case() -> dict[tuple[str, str], list[Case]]:
    """Return the smallest case of every kind in the standard suite, by regime and precision."""
    smallest: dict[object, Case] = {}
    for case in SUITES["standard"].cases():
        if case.cell != "rnn" or case.steps > LONGEST:
            continue
        kind = (
            case.regime,
            case.dtype,
            case.nonlinearity,
            case.layers > 1,
            case.bidirectional,
            bool(case.lengths),
            case.layout == "unbatched",
        )
        smallest[kind] = min(
            smallest.get(kind, case), case, key=lambda c: c.layers * c.steps * c.batch * c.hidden_size
        )
    found: dict[tuple[str, str], list[Case]] = {}
    for case in smallest.values():
        found.setdefault((case.regime, case.dtype), []).append(case)
    return found


KINDS = kinds_of_case()


def twice_its_bound(run: Judged, finding: Finding, index: Index, sign: int) -> np.floating:
    return planting.off_by(planting.element(run, finding, index), 2 * planting.bound_at(finding, index), sign)


def missed(run: Judged, finding: Finding, index: Index, sign: int) -> str:
    """Plant twice the bound and return a complaint unless it is named where it is."""
    value = twice_its_bound(run, finding, index, sign)
    record = examine(run.case, Shows(planting.planted(run, finding, index, value)))
    if record.verdict == "differs" and planting.names(record, finding, index):
        return ""
    place = f"{finding.comparison.quantity} at {planting.where(finding, index)}"
    return f"{run.case.id}: {place}: {record.verdict}, first {record.first_divergence}"


def complaints(run: Judged, rng: np.random.Generator, count: int, *quantities: str) -> list[str]:
    places = planting.sampled(run, rng, count, quantities)
    found = [missed(run, finding, index, int(rng.choice([-1, 1]))) for finding, index in places]
    assert found
    return [complaint for complaint in found if complaint]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(("regime", "dtype"), KINDS, ids=map("-".join, KINDS))
def test_twice_the_bound_in_one_element_is_named_in_every_regime(
    regime: str, dtype: str, subject: str
) -> None:
    rng = np.random.default_rng(7)
    places = 3 if regime == "default" else 8
    for case in KINDS[regime, dtype]:
        run = planting.judged(case, subject)
        assert complaints(run, rng, places, "h", "dL/dh") == []


def test_the_sample_holds_every_regime_of_the_suite_in_both_precisions() -> None:
    every = {(case.regime, case.dtype) for case in SUITES["standard"].cases() if case.cell == "rnn"}
    assert set(KINDS) == every


@pytest.mark.parametrize("subject", [*SUBJECTS, "reference"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_twice_the_bound_in_any_quantity_is_named(subject: str, dtype: str) -> None:
    rng = np.random.default_rng(11)
    for text in (
        f"rnn-tanh-L2-bi-T4-len4.2.3-B3-bf-I5-H6-{dtype}-s0",
        f"rnn-relu-L2-bi-T4-B3-I5-H6-{dtype}-zeros-s0",
        f"rnn-tanh-T4-single-I5-H6-{dtype}-saturated-s0",
    ):
        run = planting.judged(parse_id(text), subject)
        assert complaints(run, rng, 28) == []


def test_every_single_element_of_a_small_network_is_watched() -> None:
    rng = np.random.default_rng(13)
    run = planting.judged(parse_id("rnn-tanh-L2-bi-T3-len2.3-B2-I3-H2-f64-s0"), "torch")
    for finding in run.findings:
        for index in np.argwhere(planting.decided(finding)):
            assert missed(run, finding, tuple(map(int, index)), int(rng.choice([-1, 1]))) == ""


def test_it_is_named_in_a_chaotic_trajectory_of_a_thousand_steps() -> None:
    run = planting.judged(parse_id("rnn-tanh-T1000-B2-I4-H16-f64-gain10-s0"), "torch")
    assert complaints(run, np.random.default_rng(17), 12) == []


def test_the_smallest_error_is_seen_where_the_bound_is_zero() -> None:
    run = planting.judged(parse_id("rnn-relu-T5-B3-I4-H16-f32-gain1-s0"), "torch")
    finding = run.finding("h")
    idle = np.argwhere(np.asarray(finding.comparison.bound) == 0)
    assert len(idle) > 10
    for index in idle[::9]:
        place = tuple(map(int, index))
        value = twice_its_bound(run, finding, place, 1)
        assert value == np.finfo(np.float32).smallest_subnormal
        assert missed(run, finding, place, 1) == ""


@dataclass
class InTheForwardPass(TorchDispatchMode):
    """Put a value into one element of what one activation returns, so that everything after it follows.

    Below autograd, so that the graph keeps the wrong state as if torch had computed it.
    """

    position: int
    place: tuple[int, int]  # row and unit, in the rows of that activation
    value: float
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None):
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten.tanh.default, torch.ops.aten.relu.default):
            if self.seen == self.position:
                result.view(-1, result.shape[-1])[self.place] = self.value
            self.seen += 1
        return result


@dataclass(frozen=True)
class Disturbed:
    """A subject that runs inside a context, which disturbs it."""

    inner: Subject
    context: Callable[[], AbstractContextManager]
    name: str = "disturbed"
    description: str = "torch with an error that propagates"
    library: str = "torch"

    def run(self, problem: Problem) -> Observation:
        with self.context():
            return self.inner.run(problem)


def activation(problem: Problem, finding: Finding, index: Index, *, packed: bool) -> tuple[int, int]:
    """Return the number of the activation that makes h_t of a place, and the row of a sample in it."""
    c, (t, row, _) = finding.comparison, index
    steps = problem.case.steps
    before = problem.places.index((c.layer, c.direction)) * steps
    position = before + (steps - 1 - t if c.direction else t)
    if problem.lengths is None:
        return position, row
    if packed:
        order = torch.sort(torch.tensor(problem.lengths), descending=True).indices.tolist()
        return position, order.index(row)
    return position, int(problem.active[t][:row].sum())


def stepped_backward(run: Judged, finding: Finding, index: Index, value: float) -> AbstractContextManager:
    """Let the loss of the stepped subject see one state a little more than it should."""
    c, (t, *place) = finding.comparison, index
    error = value - float(planting.element(run, finding, index))
    scan, grad = torch_steps._scan, torch.autograd.grad
    states: dict[object, list[torch.Tensor]] = {}

    def noting(*arguments: object) -> list[torch.Tensor]:
        where = arguments[3]  # stepper, problem, graph, place, …
        states[where] = scan(*arguments)
        return states[where]

    def disturbing(results: list, inputs: list, cotangents: list, **options: bool) -> object:
        state = states[c.layer, c.direction][t]
        extra = moved(torch.zeros_like(state), tuple(place), error)
        return grad([*results, state], inputs, [*cotangents, extra], **options)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(torch_steps, "_scan", noting))
    stack.enter_context(mock.patch.object(torch.autograd, "grad", disturbing))
    return stack


def fused_backward(run: Judged, finding: Finding, index: Index, value: float) -> AbstractContextManager:
    """Change the gradient that reaches one activation of the fused subject."""
    position, row = activation(run.problem, finding, index, packed=True)
    listen = torch_graph.Tap.listen

    def disturbing(tap: torch_graph.Tap) -> None:
        tap.nodes["h", position].register_prehook(lambda gs: (moved(gs[0], (row, index[2]), value),))
        listen(tap)

    return mock.patch.object(torch_graph.Tap, "listen", disturbing)


def moved(gradient: torch.Tensor, place: tuple[int, int], value: float) -> torch.Tensor:
    changed = gradient.clone()
    changed[place] = value
    return changed


FREE_RUNS = [
    f"rnn-{network}-{dtype}{regime}-s0"
    for dtype in ("f32", "f64")
    for network, regime in (
        ("tanh-L2-bi-T6-len3.6.1.6-B4-bf-I4-H5", ""),
        ("relu-L2-bi-T6-B3-I4-H5", "-zeros"),
        ("tanh-L2-bi-T20-B3-I4-H16", "-gain10"),
        ("tanh-T9-single-I4-H5", "-saturated"),
        ("relu-L3-T5-B2-I4-H5", "-tiny"),
    )
]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("text", FREE_RUNS)
def test_an_error_that_propagates_is_named_where_it_arose(text: str, subject: str) -> None:
    rng = np.random.default_rng(19)
    run = planting.judged(parse_id(text), subject)
    for finding, index in planting.sampled(run, rng, 6, ("h", "dL/dh")):
        value = float(twice_its_bound(run, finding, index, int(rng.choice([-1, 1]))))
        context: Callable[[], AbstractContextManager]
        if finding.comparison.quantity == "h":
            position, row = activation(run.problem, finding, index, packed=subject == "torch")
            place = (row, index[2])
            context = lambda: InTheForwardPass(position, place, value)  # noqa: B023, E731 - used at once
        else:
            disturb = fused_backward if subject == "torch" else stepped_backward
            context = lambda: disturb(run, finding, index, value)  # noqa: B023, E731
        record = examine(run.case, Disturbed(load_subject(subject), context))
        assert record.verdict == "differs", (finding.comparison.quantity, index)
        assert planting.names(record, finding, index), (record.first_divergence, index)


def test_an_error_that_propagates_spreads_over_the_steps_after_it_and_they_are_not_blamed() -> None:
    run = planting.judged(parse_id("rnn-tanh-T20-B2-I4-H8-f64-gain5-s0"), "torch")
    finding, index = run.finding("h"), (3, 1, 4)
    context = lambda: InTheForwardPass(3, (1, 4), 0.5)  # noqa: E731 - a context made anew for every run
    subject = Disturbed(load_subject("torch"), context)
    after = subject.run(run.problem).hidden[0, 0][4:, 1]
    assert np.all(after != run.observation.hidden[0, 0][4:, 1])
    record = examine(run.case, subject)
    assert planting.names(record, finding, index)
    (h,) = [q for q in record.quantities if q.quantity == "h"]
    assert h.mismatches == 1


def test_a_billionth_of_an_ordinary_element_is_found_in_99_of_100_places() -> None:
    """Ordinary: any element that is judged and isn't 0, of any quantity, in any regime of the suite."""
    rng = np.random.default_rng(23)
    planted = found = named = 0
    for (_, dtype), cases in KINDS.items():
        for case in cases if dtype == "f64" else []:
            run = planting.judged(case, SUBJECTS[planted % 2])
            for finding, index in planting.sampled(run, rng, 6):
                value = planting.element(run, finding, index)
                if value == 0:
                    continue
                wrong = value * (1 + int(rng.choice([-1, 1])) * 1e-9)
                record = examine(case, Shows(planting.planted(run, finding, index, wrong)))
                planted += 1
                found += record.verdict == "differs"
                named += planting.names(record, finding, index)
    assert planted > 200
    assert found >= 0.99 * planted
    assert named >= 0.99 * planted


def test_what_is_planted_is_off_by_at_least_what_was_asked_for() -> None:
    """The helper itself: rounding never makes a planted error smaller."""
    rng = np.random.default_rng(29)
    for kind in (np.float32, np.float64):
        for value in rng.standard_normal(200).astype(kind):
            for error in (0.0, float(np.finfo(kind).eps) * abs(float(value)) / 3, 1e-3):
                for sign in (-1, 1):
                    off = planting.off_by(value, error, sign)
                    assert type(off) is kind
                    assert off != value
                    assert sign * (float(off) - float(value)) >= error


def test_an_undisturbed_run_passes_through_the_same_helpers() -> None:
    case = parse_id("rnn-tanh-L2-bi-T4-len4.2.3-B3-bf-I5-H6-f32-s0")
    for subject in SUBJECTS:
        run = planting.judged(case, subject)
        for finding, index in planting.sampled(run, np.random.default_rng(31), 12):
            same = planting.planted(run, finding, index, planting.element(run, finding, index))
            assert examine(case, Shows(same)).verdict == "agrees"
        assert examine(case, Shows(replace(run.observation))).verdict == "agrees"
