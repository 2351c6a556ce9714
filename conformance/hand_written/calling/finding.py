"""From a target to bound networks: every way of calling it that works, the one under which least is wrong first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.backwards.alone import alone
from conformance.hand_written.calling.backwards.beside import beside
from conformance.hand_written.calling.backwards.final import with_final
from conformance.hand_written.calling.backwards.further import further
from conformance.hand_written.calling.backwards.rates import with_its_rate
from conformance.hand_written.calling.backwards.search import Backward, backwards, by_the_reference
from conformance.hand_written.calling.backwards.softening import softened
from conformance.hand_written.calling.backwards.unknown import an_unknown_gradient
from conformance.hand_written.calling.backwards.updating import with_updates
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.bound import Unbound
from conformance.hand_written.calling.building.construct import Built, classes, of_class, of_live
from conformance.hand_written.calling.building.gates import gated, look_gated
from conformance.hand_written.calling.building.modules import of_module
from conformance.hand_written.calling.describing import bound_of
from conformance.hand_written.calling.forwards.own import MOST_NUMBERS, OwnTruth, numbers_in, own_forwards
from conformance.hand_written.calling.forwards.passes import ASKED, Forward, case_of
from conformance.hand_written.calling.forwards.returning import an_earlier_state
from conformance.hand_written.calling.forwards.search import Searching
from conformance.hand_written.calling.forwards.tries import NOT_TRIED
from conformance.hand_written.calling.forwards.walking import mistaken_loops
from conformance.hand_written.calling.forwards.wrong import without_a_state
from conformance.hand_written.calling.found import (
    Found,
    hides_the_batch,
    hides_the_head,
    is_backward,
    kind_of,
    of_one_sample,
    sums_some_biases,
    takes_every_step,
    wraps_another,
)
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.interface import HUNG, NUMERICAL, Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.other_passes import forward_of, held_against_others, with_others
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import Ran, SearchIsOver
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.calling.scope import has_a_loop_below, is_an_entry, was_asked_about
from conformance.hand_written.calling.skeleton import skeleton
from conformance.hand_written.calling.stepping import with_steps_noted

Progress = Callable[[str], None]

MOST_CALLS, TO_CLOSE = 15_000, 1_000
"""Calls of foreign code after which no further ways are tried, and those that handing on what was found may take."""

FOR_OTHERS = 1 / 3
"""The share of these that is left for what is no network of the reference, however many ways there are to try."""

MOST_SHOWN = 6
"""Ways that are handed on when none is right in everything."""

MOST_FORWARDS, MOST_OF_ONE_LAYOUT = 6, 2
"""Forward passes of one callable, equal but for their layouts, whose backward is looked for; and of one layout of x."""


def bindings(
    loaded: Loaded, progress: Progress = lambda _: None, share: float = 1.0
) -> Iterator[Binding | Unbound]:
    """Yield the ways of calling a network: one under which all is right as soon as it is found, otherwise the best few.

    The last item is an `Unbound` where nothing could be called at all. Foreign code runs in the sandbox, the one who
    asks for the next way outside it. `share` is how much of the usual number of calls they may take.
    """
    most_calls = MOST_CALLS * share
    found = Found(searching=Searching.of(loaded), most_calls=most_calls)
    calls = Budget(most=most_calls)
    for ways, most in (
        (
            suppressing_errors(loaded, "the search", _right_ones(loaded, found, progress)),
            calls.part(most_calls * (1 - FOR_OTHERS)),
        ),
        (suppressing_errors(loaded, "other networks", _others_if_none(loaded, found, progress)), calls),
        (_best(loaded, found, progress), Budget(most=TO_CLOSE)),
    ):
        while (way := _next(loaded, ways, most, found)) is not None:
            yield way


def _next(
    loaded: Loaded, ways: Iterator[Binding | Unbound], calls: Budget, found: Found
) -> Binding | Unbound | None:
    """Return the next way, None where there is no more or the calls are spent; the one who asked has no such limit."""
    loaded.calls = calls
    try:
        with sandbox():
            return next(ways, None)
    except SearchIsOver:
        found.cut_short = True
        return None
    finally:
        loaded.calls = Budget()


def _right_ones(loaded: Loaded, found: Found, progress: Progress) -> Iterator[Binding]:
    """Yield the ways under which everything is right; keep all others in `found`."""
    for backward in _all(loaded, found, progress):
        if backward.certain and not of_one_sample(found, backward):
            bound = _bound(loaded, found, backward)
            if not bound.contradicted and not bound.denied:
                others = beside(loaded, forward_of(found, backward), backward)
                bound = with_others(loaded, bound, backward, others)
            yield bound


def _others_if_none(loaded: Loaded, found: Found, progress: Progress) -> Iterator[Binding]:
    """Look for another network where no forward pass was recognised; nothing is yielded, it is judged with the best.

    A backward pass that stands alone, some of whose gradients are right, is none.
    """
    if not found.forwards and not found.mistaken:
        found.forwards += [backward.forward for backward in found.standing_alone]
        found.backwards += found.standing_alone
    if not found.forwards and not found.hopeless(loaded):
        _on_their_own(loaded, found, progress)
    yield from ()


def _best(loaded: Loaded, found: Found, progress: Progress) -> Iterator[Binding | Unbound]:
    """Yield the best few ways, or what became of every attempt."""
    if found.cut_short:
        progress(
            f"the search ended after {found.most_calls:,.0f} calls; going on with the best that was found"
        )
    best = _best_backwards(loaded, found)
    for backward in best:
        bound = replace(_bound(loaded, found, backward), cut_short=found.cut_short)
        more = partial(held_against_others, loaded, found, bound, backward)
        bound = with_others(loaded, bound, backward, found.others) if backward.wrong == 0 else bound
        yield replace(bound, with_others=more)
    if best:
        return
    if found.raised:
        yield bound_of(loaded, found.raised[0].forward, found.raised[0])
    elif found.forwards:
        for forward in sorted(found.forwards, key=lambda f: (f.trains, not f.complete))[:MOST_SHOWN]:
            binding = bound_of(loaded, forward, None, found.attempts)
            yield _with_steps_noted(loaded, found, binding, forward)
    elif found.broken:
        yield bound_of(loaded, found.broken[0], None, found.attempts)
    else:
        suppressed_errors = [
            Attempt(what="the search", reached="found", problem=each) for each in loaded.suppressed_errors
        ]
        attempts = (*found.searching.attempts, *found.attempts, *suppressed_errors)
        yield Unbound(
            target=loaded.target,
            attempts=_furthest(attempts),
            skeleton=skeleton(loaded, found.built),
        )


def _best_backwards(loaded: Loaded, found: Found) -> list[Backward]:
    """Return the backward passes under which least is wrong; none where another one fails by itself."""
    fitting = [b for b in found.backwards if not takes_every_step(found, b)]
    handed_out = [b for b in fitting if not b.glimpsed]
    best = sorted(handed_out or fitting, key=lambda b: (of_one_sample(found, b), b.rank))[:MOST_SHOWN]
    if best and (best[0].harvest.apart or sums_some_biases(best[0])):
        best = [b for b in best if not of_one_sample(found, b)]
    if found.raised and not any(b.harvest.right or is_backward(b) for b in best):
        return []  # what was found beside a backward pass that fails by itself is none
    if best and best[0].wrong and (mild := softened(loaded, best[0])) is not None:
        best.insert(0, mild)
    return best


def _bound(loaded: Loaded, found: Found, backward: Backward) -> Binding:
    complete, of_final = with_final(loaded, backward)
    whole = with_its_rate(loaded, complete)
    told, misapplied = with_updates(loaded, whole) if backward.certain else ((), "")
    bound = bound_of(loaded, whole.forward, whole)
    more = further(bound, whole)
    unknown, unjudged = an_unknown_gradient(bound, whole) if backward.certain else ("", ())
    bound = replace(
        bound,
        notes=(*bound.notes, *told, *unjudged),
        contradicted=backward.harvest.denied or misapplied or more.unjudged,
        denied=an_earlier_state(loaded, whole.forward, (*bound.build, *(bound.from_h_0 or bound.forward)))
        or (of_final if backward.certain else "")
        or unknown,
        entangled=more.enters,
    )
    return _with_steps_noted(loaded, found, bound, whole.forward, whole)


def _with_steps_noted(
    loaded: Loaded, found: Found, binding: Binding, forward: Forward, backward: Backward | None = None
) -> Binding:
    attempts = (*found.searching.attempts, *found.attempts)
    return with_steps_noted(loaded, binding, forward, backward, found.forwards, attempts)


def _on_their_own(loaded: Loaded, found: Found, progress: Progress) -> None:
    """Look for networks whose forward pass is another one: by the fault that it has, or by their own gradients."""
    progress("nothing agrees with the reference; trying mistakes of the forward pass, and other networks")
    for forward in _others(loaded, found):
        if found.forwards and forward.fault != found.forwards[0].fault:
            break
        found.forwards.append(forward)
        if numbers_in(forward) <= MOST_NUMBERS and _right_by_its_own(loaded, found, forward):
            break


def _others(loaded: Loaded, found: Found) -> Iterator[Forward]:
    """Yield what ran and was not recognised, by the mistake it has, or by its own parameters."""
    searching = found.searching
    if found.mistaken:
        yield from found.mistaken
        return
    for forward in searching.recognising.with_one_mistake(searching.ran):
        if not (forward.loop and without_a_state(forward.fault) and has_a_loop_below(loaded, forward)):
            yield forward  # and not a loop of ours around one of theirs, which starts anew at every step
    yield from own_forwards(loaded, searching.ran)


def _right_by_its_own(loaded: Loaded, found: Found, forward: Forward) -> bool:
    """Look for backward passes of a network that is judged by itself; tell whether the search is over."""
    truth_of = OwnTruth(loaded)
    for backward in backwards(loaded, forward, found.attempts, truth_of):
        if backward.ran.error is not None:
            found.raised.append(backward)
            continue
        found.backwards.append(backward)
        if backward.wrong == 0:
            found.others = beside(loaded, forward, backward, truth_of)
            return True
    return False


def _all(loaded: Loaded, found: Found, progress: Progress) -> Iterator[Backward]:
    """Yield every backward pass on every forward pass; keep both in `found`.

    Whole sequences first: a cell that is right says nothing about a loop of theirs around it. So steps are not walked
    with where that loop fails by itself, or goes wrong in a way that is known.
    """
    setups = _those_that_run_first(found, list(_setups(loaded, found)))
    made = any(each.setup.is_of_its_code for each in setups)
    if not classes(loaded) and look_gated(loaded) and not made:
        yield from _with_made_up_weights(loaded, found, progress)
        if found.forwards:
            return
    found.built = next(iter(setups), None)
    for backward in alone(loaded, setups):
        found.standing_alone.append(backward)
        if backward.certain:
            found.forwards.append(backward.forward)
            yield backward
            return
    yield from _of_setups(loaded, found, setups, progress, stepwise=False)
    if found.backwards or found.raised:
        return
    if not found.forwards:
        found.mistaken = mistaken_loops(loaded, found.searching)
    if not found.mistaken and not any(is_an_entry(loaded, forward.call) for forward in found.broken):
        yield from _of_setups(loaded, found, setups, progress, stepwise=True)
    if not (found.forwards or found.mistaken or found.raised or found.made_up):
        yield from _with_made_up_weights(loaded, found, progress)


def _with_made_up_weights(loaded: Loaded, found: Found, progress: Progress) -> Iterator[Backward]:
    """Yield the backward passes of functions of cells with gates, which are handed weights of every usual shape.

    What fails with those says nothing of how weights of another making are taken, so the search is one apart.
    """
    found.made_up = True
    apart = replace(found, searching=Searching.of(loaded))
    p = question(case_of(ASKED, batched=False), Traits()).p
    for built in _those_that_run_first(apart, list(gated(loaded, p))):
        for stepwise in (False, True):
            yield from _of_setups(loaded, apart, [built], progress, stepwise=stepwise)
            if found.forwards:
                return


def _those_that_run_first(found: Found, setups: Sequence[Built]) -> list[Built]:
    """Return networks in the order of trying: of several ways to lay weights out, those first with which it runs."""
    laid_out = [n for n, built in enumerate(setups) if "params" in built.setup.roots]
    running = [n for n in laid_out if found.searching.runs(setups[n])] if len(laid_out) > 1 else laid_out
    idle = [n for n in laid_out if running and n not in running]
    return [setups[n] for n in (*(n for n in range(len(setups)) if n not in idle), *idle)]


def _of_setups(
    loaded: Loaded, found: Found, setups: Sequence[Built], progress: Progress, *, stepwise: bool
) -> Iterator[Backward]:
    for built in setups:
        if found.hopeless(loaded):
            return
        progress(f"looking for the forward pass: {built.setup.says}")
        known = len(found.forwards)
        tried: dict[object, int] = {}
        settled: set[tuple[str, bool, str]] = set()
        passes = found.searching.forwards(built, stepwise=stepwise, needless=found.is_needless)
        for forward in _training_last(passes):
            kind = kind_of(forward)
            laid_out = (kind, forward.inputs.text)
            tried[kind] = tried.get(kind, 0) + 1
            tried[laid_out] = tried.get(laid_out, 0) + 1
            hides = hides_the_batch(forward, found.forwards) or hides_the_head(forward, found.forwards)
            known_enough = (
                tried[kind] > MOST_FORWARDS or tried[laid_out] > MOST_OF_ONE_LAYOUT or kind in settled
            )
            if known_enough or hides or wraps_another(forward, found):
                continue
            found.forwards.append(forward)
            progress(f"looking for the backward pass of {forward.call}")
            truth_of = OwnTruth(loaded) if forward.fault else by_the_reference
            for backward in backwards(loaded, forward, found.attempts, truth_of):
                if backward.ran.error is not None:
                    found.raised.append(backward)
                    continue
                found.backwards.append(backward)
                if len(backward.harvest.expressions) == len(backward.slots):
                    settled.add(kind)
                yield backward
        if len(found.forwards) > known and built.setup.owner == "model":
            return


def _training_last(forwards: Iterable[Forward]) -> Iterator[Forward]:
    """Yield forward passes, those that change the weights after all that don't."""
    training = []
    for forward in forwards:
        if forward.trains:
            training.append(forward)
        else:
            yield forward
    yield from training


def _setups(loaded: Loaded, found: Found) -> Iterator[Built]:
    p = question(case_of(ASKED, batched=False), Traits()).p
    for name in loaded.wanted:
        value = getattr(loaded.code, name, None)
        if value is not None and not callable(value) and not isinstance(value, type):
            yield from of_live(loaded, name, p)
    for name in classes(loaded):
        tried = len(found.attempts)
        for built in suppressing_errors(loaded, name, of_class(loaded, name, p)):
            if isinstance(built, Ran):
                found.attempts.append(Attempt(what=name, reached="found", problem=built.complaint()))
            else:
                tried = -1
                yield built
        if len(found.attempts) == tried:
            found.attempts.append(_unbuilt(loaded, name))
    for built in suppressing_errors(loaded, "the module", of_module(loaded, p)):
        if was_asked_about(loaded, built):
            yield built


def _unbuilt(loaded: Loaded, name: str) -> Attempt:
    """Return what is told of a class of which no instance was made: what its constructor wants."""
    required = [q.name for q in parameters_of(getattr(loaded.code, name)) or [] if q.required]
    problem = f"it wasn't built, since its constructor wants {', '.join(required)}"
    return Attempt(what=name, reached="found", problem=problem)


REACHED = (NUMERICAL, "backward ran", HUNG, "backward called", "ran", "called", "found")


def _furthest(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts without repetition, those that got furthest first.

    That a backward pass ran when it was called like a forward pass says little.
    """
    distinct = dict.fromkeys(attempts)
    known = {a.what for a in attempts if a.problem != NOT_TRIED}

    def rank(attempt: Attempt) -> tuple[bool, int]:
        backward = names.BACKWARD.fullmatch(attempt.what.rpartition(".")[2]) is not None
        return backward and attempt.reached == "ran", REACHED.index(attempt.reached)

    kept = [a for a in distinct if a.problem != NOT_TRIED or a.what not in known]
    return tuple(sorted(kept, key=rank))[:12]
