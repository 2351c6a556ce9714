"""The ways to call a backward pass: which callables may be one, and the lines that call each."""

import inspect
from collections.abc import Iterator
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.calling.backwards.arguments import (
    at_its_sites,
    listed,
    options_of_backward,
    roles_in,
)
from conformance.hand_written.calling.backwards.cells import BackwardLoop, backward_cells
from conformance.hand_written.calling.backwards.entries import OWN_LOSS, Entry
from conformance.hand_written.calling.backwards.tapes import losses_on_a_tape, way_back
from conformance.hand_written.calling.building.construct import callable_of, own_callables
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Arguments, Parameter, best_first, parameters_of
from conformance.hand_written.calling.hints.walking import adds_up_products, walks_back
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.scope import backward_askable, walks_back_below

MOST_ARGUMENTS = 10
UNLIKELY = 9
"""The rank of what is no backward pass by its name, and doesn't walk back itself."""


class Way(Struct, frozen=True, kw_only=True):
    """One way to call a backward pass: its lines, how they ran, the loop where that is ours, its arguments."""

    lines: tuple[str, ...]
    ran: Ran
    loop: BackwardLoop | None = None
    arguments: Arguments = Arguments()


def callables(loaded: Loaded, forward: Forward) -> list[str]:
    """Return what may be the backward pass of `forward`, likely ones first.

    What forward returned to be called comes first, then what is called like a backward pass, then what trains or walks
    back over time; forward itself if it took targets.
    """

    def rank(call: str) -> int:
        name = call.rpartition(".")[2]
        if call == forward.call:
            return 2
        if names.BACKWARD.fullmatch(name) and not names.CHECKS.fullmatch(name):
            return 0 if "cell" not in name and "step" not in name else 1
        function = callable_of(forward.built, call)
        return (
            3
            if names.TRAINS.fullmatch(name) or walks_back(function) or adds_up_products(function)
            else UNLIKELY
        )

    if forward.trains:
        return [forward.call]
    calls = dict.fromkeys((*backward_askable(loaded, forward), *losses_on_a_tape(loaded, forward)))
    likely = sorted((call for call in calls if rank(call) < UNLIKELY), key=rank)
    if not set(likely) - {forward.call}:  # by another name, with the walk in a helper
        unnamed = (call for call in calls if not names.CHECKS.fullmatch(call.rpartition(".")[2]))
        likely += [c for c in unnamed if c not in likely and walks_back_below(loaded, forward, c)]
    return [*_pullbacks(forward), *likely]


def _pullbacks(forward: Forward) -> list[str]:
    """Return the expressions of functions that forward made and returned: what is to be called with dL/dy."""
    result = forward.ran.names.get("result")
    if forward.loop or not isinstance(result, (tuple, list)):
        return []
    return [
        f"result[{n}]"
        for n, part in enumerate(result)
        if inspect.isfunction(part) and "<locals>" in part.__qualname__
    ]


def ways(
    loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter], entry: Entry
) -> Iterator[Way]:
    """Yield every way to call a backward pass for one way in which the loss enters.

    What is called like a loss is handed targets, not the gradient of a loss; below its head a network is only entered
    by what is called like a backward pass.
    """
    name = call.rpartition(".")[2]
    says = names.BACKWARD.fullmatch(name) is not None
    if entry.kind == OWN_LOSS:
        yield from _with_its_own_loss(loaded, forward, call, parameters)
        return
    if forward.outputs is None or (entry.spares_the_head and not says):
        return
    if entry.kind in ("dL/dy", "dL/dh") and names.LOSS.fullmatch(name) and not says:
        return
    if call != forward.call and entry.stands_in(forward.arguments.text):
        yield from _without_entry(loaded, forward, call, parameters)
    if not parameters and call != forward.call:
        yield from _after_the_loss(loaded, forward, call, entry)
    else:
        yield from _handed(loaded, forward, call, parameters, entry)


def _with_its_own_loss(
    loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter]
) -> Iterator[Way]:
    """Yield the ways to gradients of a loss that a call has made: what it gave itself, or what is called after it."""
    if call == forward.call:
        yield _called(loaded, forward, (*forward.build, *forward.lines[:1]), call, forward.arguments)
    else:
        yield from _without_entry(loaded, forward, call, parameters)


def _handed(
    loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter], entry: Entry
) -> Iterator[Way]:
    """Yield the ways to hand the loss's argument to a backward pass itself."""
    same = call == forward.call
    if same and "targets" not in forward.arguments.kinds:
        return
    prepared = _prepared(forward)
    if same:  # one call does both: what it will put out is known from the reference alone
        prepared = (*forward.build, *forward.lines[:1])
        entry = replace(entry, texts=tuple(text.replace("(y - ", "(p.y - ") for text in entry.texts))
    roles = roles_in(forward, parameters)
    if forward.loop and entry.texts:
        for loop in backward_cells(loaded, forward, call, parameters, entry.texts[0], roles):
            yield Way(lines=loop.lines, ran=loop.ran, loop=loop, arguments=loop.arguments)
    if forward.loop and same:
        return
    sites = at_its_sites(loaded, forward, call, parameters)
    options = partial(options_of_backward, forward=forward, entry=entry, roles=roles, sites=sites)
    for offered in (options, partial(listed, options=options))[: 1 + _trains(call)]:
        for arguments in best_first(parameters, offered, MOST_ARGUMENTS, _has_one_entry):
            if call.startswith("result[") or forward.built.reads_its_weights(arguments.text, "result"):
                yield _called(loaded, forward, prepared, call, arguments)


def _has_one_entry(kinds: tuple[str, ...]) -> bool:
    """Tell whether the loss enters by exactly one argument."""
    return kinds.count("entry") == 1


def _called(
    loaded: Loaded, forward: Forward, prepared: tuple[str, ...], call: str, arguments: Arguments
) -> Way:
    """Return how one choice of arguments went; what it gives that remembers how it came about is walked back from."""
    lines = (f"grads = {call}({arguments.text})",)
    ran = run(loaded, forward.asked.p, (*prepared, *lines))
    if method := way_back(loaded, ran.names.get("grads")):
        lines = (f"loss = {call}({arguments.text})", f"grads = loss.{method}()")
        ran = run(loaded, forward.asked.p, (*prepared, *lines))
    return Way(lines=lines, ran=ran, arguments=arguments)


def _without_entry(loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter]) -> Iterator[Way]:
    """Yield the ways to call a backward pass that is handed no target, since forward was handed it."""
    options = partial(
        options_of_backward,
        forward=forward,
        entry=None,
        roles=roles_in(forward, parameters),
        sites=at_its_sites(loaded, forward, call, parameters),
    )
    for arguments in best_first(parameters, options, MOST_ARGUMENTS):
        if forward.built.reads_its_weights(arguments.text, "result"):
            yield _called(loaded, forward, _prepared(forward), call, arguments)


def _after_the_loss(loaded: Loaded, forward: Forward, call: str, entry: Entry) -> Iterator[Way]:
    """Yield the ways to call a backward pass without arguments, which starts from what a method for the loss left."""
    options = partial(options_of_backward, forward=forward, entry=entry, roles={})
    for loss in own_callables(loaded, forward.built):
        parameters = parameters_of(callable_of(forward.built, loss))
        named = names.LOSS.fullmatch(loss.rpartition(".")[2])
        if loss in (call, forward.call) or not parameters or not named:
            continue
        for arguments in best_first(parameters, options, MOST_ARGUMENTS, _has_one_entry):
            lines = (f"loss = {loss}({arguments.text})", f"grads = {call}()")
            ran = run(loaded, forward.asked.p, (*_prepared(forward), *lines))
            yield Way(lines=lines, ran=ran, arguments=arguments)


def _prepared(forward: Forward) -> tuple[str, ...]:
    """Return the lines after which a backward pass is called."""
    shown = forward.outputs
    return (*forward.build, *forward.lines, *(() if shown is None else (f"y = {shown.expression}",)))


def _trains(call: str) -> bool:
    """Tell whether a callable goes by the name of one that trains, and not by that of a backward pass."""
    name = call.rpartition(".")[2]
    return names.TRAINS.fullmatch(name) is not None and names.BACKWARD.fullmatch(name) is None
