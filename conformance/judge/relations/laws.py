"""The relations themselves. Each names one way in which batching, layout, chunking or calling must not matter."""

from collections.abc import Callable, Iterator

import numpy as np

from conformance.cases import PACKED_WORK, Case, Problem
from conformance.judge import results
from conformance.judge.relations.relation import Pair, Relation, Run, variant
from conformance.record.environment import other_threads
from conformance.subjects.observation import Observation
from refrnn import Array, Layout

TIME_FIRST = Layout("time first")
BY_SAMPLE = {"output": 1, "dL/dx": 1, "h_n": 0, "c_n": 0, "dL/dh_0": 0, "dL/dc_0": 0}
"""Results that hold something of each sample of its own, and the axis on which samples lie."""

FINAL = ("h_n", "c_n")
"""The quantities in which a run ends."""

SHARED_ROWS = 256
"""Hidden values of one step from which libraries share a product among threads at all; smaller ones show nothing."""


def states(problem: Problem, change: Callable[[Array], Array]) -> dict[str, Array]:
    """Return the initial states and the cotangents of final ones that a problem has, by field, each changed."""
    given = {f"{letter}_0": state for letter, state in problem.given_states.items()}
    given |= {f"d_{letter}_n": d for letter, d in problem.seen_finals.items()}
    return {name: change(values) for name, values in given.items()}


def canonical(problem: Problem) -> Problem:
    """Return the same problem in the time-first layout."""
    layout = problem.layout.time_major
    return variant(
        problem,
        {"layout": "time-first"},
        layout=TIME_FIRST,
        x=layout(problem.x),
        d_output=None if problem.d_output is None else layout(problem.d_output),
        **states(problem, problem.layout.batched_state),
    )


def sample(problem: Problem, row: int) -> Problem:
    """Return the problem of one sample alone, as a batch of one, cut to its length."""
    return variant(part(problem, slice(row, row + 1)), {"lengths": ()}, lengths=None)


def part(problem: Problem, rows: slice) -> Problem:
    """Return the problem of some of the samples, cut to the longest of them."""
    p = canonical(problem)
    lengths = None if p.lengths is None else p.lengths[rows]
    steps = p.case.steps if lengths is None else int(lengths.max())
    x = p.x[:steps, rows]
    return variant(
        p,
        {"batch": x.shape[1], "steps": steps, "lengths": p.case.lengths[rows]},
        x=x,
        d_output=None if p.d_output is None else p.d_output[:steps, rows],
        **states(p, lambda values: values[:, rows]),
        lengths=lengths,
    )


def same_results(problem: Problem, got: Observation, other: Problem, expected: Observation) -> Iterator[Pair]:
    """Yield every result of two runs that must be equal as a whole."""
    theirs = results(other, expected)
    for name, result in results(problem, got).items():
        if name in theirs:
            yield Pair(result=name, got=result.value, expected=theirs[name].value)


def rows_equal_single_runs(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare the first and the last sample of a batch with runs of these samples alone."""
    for row in (0, problem.case.batch - 1):
        alone = sample(problem, row)
        single = results(alone, run(alone))
        for name, result in results(problem, whole).items():
            if result.quantity in BY_SAMPLE and name in single:
                axis = BY_SAMPLE[result.quantity]
                where = (slice(None),) * axis + (slice(row, row + 1),)
                if axis == 1:
                    where = (slice(0, alone.case.steps), *where[1:])
                yield Pair(result=name, got=result.value[where], expected=single[name].value, where=where)


def gradients_of_parts_sum_up(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare the parameters' gradients of a batch with the sum of those of its first sample and of all others."""
    first, others = (run(part(problem, rows)).parameters for rows in (slice(1), slice(1, None)))
    for name, gradient in whole.parameters.items():
        total = first[name].astype(np.float64) + others[name]
        yield Pair(result=name, got=gradient, expected=total)


def unbatched_equals_batch_of_one(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare an unbatched sample with the same sample as a batch of one."""
    batched = canonical(problem)
    yield from same_results(problem, whole, batched, run(batched))


def batch_first_equals_transposed(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare the batch-first layout with the time-first one."""
    transposed = canonical(problem)
    yield from same_results(problem, whole, transposed, run(transposed))


def _cut(problem: Problem, steps: slice) -> Problem:
    """Return the steps of `steps` of a time-first problem as a problem of their own, with its initial states."""
    x = problem.x[steps]
    d_output = None if problem.d_output is None else problem.d_output[steps]
    return variant(problem, {"steps": len(x)}, x=x, d_output=d_output)


def prefix_equals_beginning(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare a run of the first steps only with the beginning of the whole: nothing looks ahead."""
    p, middle = canonical(problem), (problem.case.steps + 1) // 2
    first = run(_cut(p, slice(0, middle)))
    output = results(problem, whole)["output"].value
    where = (slice(0, middle),)
    yield Pair(result="output", got=output[where], expected=first.output, where=where)


def chunks_equal_whole(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare two chunks, the second started from the first one's final states, with the whole."""
    p, middle = canonical(problem), (problem.case.steps + 1) // 2
    first = run(_cut(p, slice(0, middle)))
    ends = {f"{letter}_0": getattr(first, f"{letter}_n") for letter in problem.case.carried}
    second = variant(_cut(p, slice(middle, None)), {"h_0": True, "c_0": True}, **ends)
    rest = run(second)
    shown = results(problem, whole)
    for chunk, when in ((first, slice(0, middle)), (rest, slice(middle, None))):
        where = (when,)
        yield Pair(result="output", got=shown["output"].value[where], expected=chunk.output, where=where)
    for name, result in results(second, rest).items():
        if result.quantity in FINAL:
            yield Pair(result=name, got=shown[name].value, expected=result.value)


def omitted_state_equals_zeros(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare a call without initial states with a call with zeros."""
    layout = problem.layout.restored_state
    zeros = {f"{letter}_0": layout(state) for letter, state in problem.initial_states.items()}
    given = variant(problem, {"h_0": True}, **zeros)
    yield from same_results(problem, whole, given, run(given))


def reverse_equals_forward_on_reversed(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare the reverse half of the output with a one-directional run over the reversed sequence."""
    p, width = canonical(problem), problem.case.state_size
    weights = {name.removesuffix("_reverse"): w for name, w in p.weights.items() if name.endswith("_reverse")}
    mirrored = variant(
        p,
        {"bidirectional": False},
        weights=weights,
        x=p.x[::-1],
        d_output=None if p.d_output is None else p.d_output[::-1, :, width:],
        **states(p, lambda values: values[1:]),
    )
    found = run(mirrored)
    where = (slice(None), slice(None), slice(width, None))
    output = results(problem, whole)["output"].value
    yield Pair(result="output", got=output[where], expected=found.output[::-1], where=where)
    for name, gradient in found.parameters.items():
        if f"{name}_reverse" in whole.parameters:
            yield Pair(result=f"{name}_reverse", got=whole.parameters[f"{name}_reverse"], expected=gradient)


def equal_lengths_equal_none(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare a batch without lengths with the same batch whose lengths are all T."""
    lengths = (problem.case.steps,) * problem.case.batch
    packed = variant(problem, {"lengths": lengths}, lengths=np.array(lengths))
    yield from same_results(problem, whole, packed, run(packed))


def samples_are_independent(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Put NaN into one sample and compare the outputs of the others with what they were."""
    x = problem.x.copy()
    problem.layout.time_major(x)[:, -1] = np.nan
    spoilt = variant(problem, {}, x=x)
    found = results(spoilt, run(spoilt))
    others = slice(0, problem.case.batch - 1)
    for name, result in results(problem, whole).items():
        if result.quantity in ("output", *FINAL):
            where = (slice(None),) * BY_SAMPLE[result.quantity] + (others,)
            yield Pair(result=name, got=found[name].value[where], expected=result.value[where], where=where)


def runs_repeat(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare two runs on the same arrays: nothing random, nothing left behind by the first."""
    yield from same_results(problem, run(problem), problem, whole)


def threads_do_not_matter(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare one thread with two: sums may be split and rounded otherwise, and nothing else."""
    with other_threads():
        found = run(problem)
    yield from same_results(problem, found, problem, whole)


def units_have_no_order(problem: Problem, run: Run, whole: Observation) -> Iterator[Pair]:
    """Compare a network with the same one whose units stand in the reverse order, inside every block of rows."""
    p, hidden = canonical(problem), problem.case.hidden_size
    order = np.arange(hidden)[::-1]

    def turned(name: str) -> tuple[Array | slice, ...]:
        """Return the index that reverses units in a parameter or its gradient."""
        rows = np.concatenate([start + order for start in range(0, len(p.weights[name]), hidden)])
        return (rows[:, np.newaxis], order) if name.startswith("weight_hh") else (rows,)

    other = variant(
        p,
        {},
        weights={name: w[turned(name)] for name, w in p.weights.items()},
        d_output=None if p.d_output is None else p.d_output[..., order],
        **states(p, lambda values: values[..., order]),
    )
    found = results(other, run(other))
    places = {name: turned(name) for name in p.weights} | {"dL/dx": (slice(None),)}
    for name, result in results(problem, whole).items():
        where = places.get(name, (..., order))
        yield Pair(result=name, got=result.value[where], expected=found[name].value, where=where)


def _plain(case: Case) -> bool:
    """Return whether a case can be cut along time: one direction, no lengths, two steps."""
    return not case.bidirectional and not case.lengths and case.steps > 1 and _any_batch(case)


def _any_batch(case: Case) -> bool:
    """Return whether samples are computed alike in any batch and order: dropout masks depend on both."""
    return case.dropout == 0 or case.evaluation


def _packable(case: Case) -> bool:
    """Return whether torch can be asked to pack a case.

    Its backward pass over a packed sequence makes an array as large as the whole sequence at every step: T = 500 with
    B = 130 took 19 s and 8 GB, where the same batch without lengths takes half a second.
    """
    return case.steps**2 * case.batch <= PACKED_WORK


RELATIONS = (
    Relation(
        name="runs repeat",
        scale="exact",
        applies=lambda _: True,
        pairs=runs_repeat,
        needs="nothing",
        any_head=True,
    ),
    Relation(
        name="batch row = single run",
        scale="noise",
        applies=lambda c: c.batch > 1 and _any_batch(c),
        pairs=rows_equal_single_runs,
    ),
    Relation(
        name="sum of the gradients of two parts = batch gradient",
        scale="noise",
        applies=lambda c: c.batch > 1 and _any_batch(c),
        pairs=gradients_of_parts_sum_up,
        needs="gradients",
    ),
    Relation(
        name="unbatched = batch of one",
        scale="noise",
        applies=lambda c: c.layout == "unbatched",
        pairs=unbatched_equals_batch_of_one,
    ),
    Relation(
        name="batch first = transposed",
        scale="noise",
        applies=lambda c: c.layout == "batch-first",
        pairs=batch_first_equals_transposed,
    ),
    Relation(name="prefix = beginning", scale="noise", applies=_plain, pairs=prefix_equals_beginning),
    Relation(
        name="chunks = whole",
        scale="noise",
        applies=_plain,
        pairs=chunks_equal_whole,
        needs="final states",
    ),
    Relation(
        name="h_0 omitted = zeros",
        scale="noise",
        applies=lambda c: not c.h_0,
        pairs=omitted_state_equals_zeros,
    ),
    Relation(
        name="reverse = forward on the reversed sequence",
        scale="noise",
        applies=lambda c: c.bidirectional and c.layers == 1 and not c.lengths,
        pairs=reverse_equals_forward_on_reversed,
    ),
    Relation(
        name="equal lengths = none",
        scale="noise",
        applies=lambda c: not c.lengths and c.layout != "unbatched" and _packable(c) and _any_batch(c),
        pairs=equal_lengths_equal_none,
    ),
    Relation(
        name="samples are independent",
        scale="exact",
        applies=lambda c: c.batch > 1 and not c.lengths,
        pairs=samples_are_independent,
        any_head=True,
    ),
    Relation(
        name="one thread = two threads",
        scale="noise",
        applies=lambda c: c.batch * c.hidden_size >= SHARED_ROWS,
        pairs=threads_do_not_matter,
        any_head=True,
    ),
    Relation(
        name="units in reverse order = the same units",
        scale="noise",
        applies=lambda c: c.cell != "rnn" and c.layers == 1 and not c.bidirectional and not c.proj_size,
        pairs=units_have_no_order,
    ),
)
"""All relations. Every case of a run is put to one of those that apply to it, in turn by its id."""
