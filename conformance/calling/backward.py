"""The backward pass found by trying: which callable, what its argument means, where it leaves the gradients."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from conformance.calling import names
from conformance.calling.arguments import Option, Parameter, best_first, given, parameters_of
from conformance.calling.asking import Question, question
from conformance.calling.cells import backward_cells
from conformance.calling.construct import callable_of, own_callables, part_called
from conformance.calling.entries import Entry, entries
from conformance.calling.harvest import Harvest, Taken, harvests, returned_names, true_gradients
from conformance.calling.inputs import plain_options, roles_of, states
from conformance.calling.interface import Attempt
from conformance.calling.load import Loaded
from conformance.calling.passes import Forward
from conformance.calling.program import Ran, run, value
from conformance.calling.reach import reach
from conformance.calling.records import is_record
from conformance.calling.slots import Slot
from conformance.calling.walking import walks_back
from refrnn import Array

MOST_ARGUMENTS = 10
LIKE_FLAT = {"columns": "column", "rows": "flat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backward:
    """A backward pass that ran, and the gradients that it gave."""

    forward: Forward
    call: str
    entry: Entry
    lines: tuple[str, ...]
    slots: tuple[Slot, ...]
    harvest: Harvest
    cost: float
    ran: Ran = field(default_factory=lambda: Ran(names={}))

    @property
    def wrong(self) -> int:
        """How many parameters have no gradient, or another one than the true one times the common constant."""
        return len(self.slots) - len(self.harvest.right)

    @property
    def rank(self) -> tuple[float, ...]:
        """Smaller is better: fewest wrong, most found, the head right, several samples, then what costs least."""
        head = [s.path for s in self.slots if "W_hy" in s.roles]
        head_wrong = bool(head) and head[0] not in self.harvest.right
        one_sample = not self.forward.inputs.batched
        return (self.wrong, -len(self.harvest.expressions), head_wrong, one_sample, self.cost)


Truth = Callable[[Forward, Entry], Mapping[str, Array]]
"""What the right gradients of a forward pass's slots are, when the loss enters in a certain way."""


def by_the_reference(forward: Forward, entry: Entry) -> Mapping[str, Array]:  # noqa: ARG001 - the problem has it already
    """Return the right gradients of a network that is the reference's."""
    return true_gradients(forward.asked, parameter_slots(forward))


def backwards(
    loaded: Loaded, forward: Forward, attempts: list[Attempt], truth_of: Truth = by_the_reference
) -> Iterator[Backward]:
    """Yield every backward pass that gave gradients, in the order of trying."""
    slots = parameter_slots(forward)
    calls = _ordered(forward, own_callables(loaded, forward.built))
    for call in (*_pullbacks(forward), *calls):
        parameters = parameters_of(forward.function(call))
        if parameters is None:
            continue
        complaint, ran_at_all, found_any = "", False, False
        for entry in entries(forward):
            asked = _asked(forward, entry)
            if asked is None:
                continue
            put = replace(forward, asked=asked)
            for backward in _tried(loaded, put, call, parameters, entry, slots, truth_of):
                if isinstance(backward, Ran):
                    complaint = complaint or backward.complaint()
                    if own_mistake(backward.error) and names.BACKWARD.fullmatch(call.rpartition(".")[2]):
                        yield _raising(replace(forward, asked=asked), call, entry, slots, backward)
                    if backward.hung:
                        break
                    ran_at_all = ran_at_all or backward.ok
                else:
                    found_any = True
                    yield backward
        if not found_any:
            why = (
                "no gradients were found in what it returned, kept, changed or held"
                if ran_at_all
                else complaint
            )
            attempts.append(
                Attempt(what=call, reached="backward ran" if ran_at_all else "backward called", problem=why)
            )


def own_mistake(error: BaseException | None) -> bool:
    """Tell errors that no choice of arguments can mend."""
    return isinstance(error, NameError) or (isinstance(error, ValueError) and "unpack" in str(error))


def _raising(forward: Forward, call: str, entry: Entry, slots: Sequence[Slot], ran: Ran) -> Backward:
    """Return a backward pass that fails by itself."""
    nothing = Harvest(place="returned", expressions={}, right=frozenset(), constant=1.0, named=0)
    return Backward(
        forward=forward,
        call=call,
        entry=entry,
        lines=ran.last,
        slots=tuple(slots),
        harvest=nothing,
        cost=0.0,
        ran=ran,
    )


def softened(loaded: Loaded, backward: Backward) -> Backward | None:
    """Return the same backward pass asked with a cotangent 2¹⁰ times smaller, where that makes more of it right.

    What limits the size of gradients leaves small ones alone.
    """
    forward, name = backward.forward, "p.d_y" if backward.forward.sizes.O else "p.d_h"
    lines = tuple(line.replace(name, f"({name} / 1024)") for line in backward.lines)
    if backward.entry.crossed or lines == backward.lines or forward.loop or forward.fault:
        return None
    found = again(loaded, backward, lines)
    if found is None or found.wrong >= backward.wrong:
        return None
    expressions = {path: f"(1024 * {text})" for path, text in found.harvest.expressions.items()}
    note = "It limits the size of its gradients; they were asked for with a cotangent 1024 times smaller."
    harvest = replace(
        found.harvest,
        expressions=expressions,
        constant=1024 * found.harvest.constant,
        notes=(*found.harvest.notes, note),
    )
    return replace(found, harvest=harvest)


def again(loaded: Loaded, backward: Backward, lines: tuple[str, ...]) -> Backward | None:
    """Return the same backward pass called by other lines, None where they give no gradients."""
    forward = backward.forward
    p = forward.asked.p
    before = {s.path: np.asarray(value(Ran(names={"np": np, "p": p}), s.fill)) for s in backward.slots}
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    ran = run(loaded, p, (*forward.build, *forward.lines, *y, *lines))
    known = returned_names(forward.function(backward.call), "grads")
    taken = _taken(forward, ran, backward.slots, before, by_the_reference(forward, backward.entry), known)
    return _harvested(forward, backward.call, backward.entry, lines, taken)


def parameter_slots(forward: Forward) -> tuple[Slot, ...]:
    """Return the parameters of the network, those given as arguments as slots too."""
    if forward.slots:
        return tuple(slot for slot in forward.slots if "h_0" not in slot.roles)
    return tuple(
        Slot(
            path=f"argument {role}",
            roles=(role,),
            fill=fill,
            read={role: _back(fill)},
            turned=".T" in fill,
            cost=0.0,
        )
        for role, fill in forward.fills.items()
    )


def _back(fill: str) -> str:
    """Return how a gradient laid out as `fill` is turned back."""
    if fill.endswith(".T"):
        return "{g}.T"
    return "{g}[:, 0]" if fill.endswith("[:, None]") else "{g}[0]" if fill.endswith("[None]") else "{g}"


def _asked(forward: Forward, entry: Entry) -> Question | None:
    if not entry.texts:
        return None
    case = replace(forward.asked.case, cotangents="last" if entry.last else "output")
    return question(case, replace(forward.asked.traits, crossed=entry.crossed))


def _tried(
    loaded: Loaded,
    forward: Forward,
    call: str,
    parameters: list[Parameter],
    entry: Entry,
    slots: Sequence[Slot],
    truth_of: Truth,
) -> Iterator[Backward | Ran]:
    before = {
        slot.path: np.asarray(value(Ran(names={"np": np, "p": forward.asked.p}), slot.fill)) for slot in slots
    }
    alone = not parameters and call != forward.call
    runs = _after_the_loss if alone else partial(_runs, parameters=parameters)
    for lines, ran, stepwise, cost in runs(loaded, forward, call, entry=entry):
        known = returned_names(forward.function(call), "back" if stepwise else "grads")
        taken = _taken(forward, ran, slots, before, truth_of(forward, entry), known)
        taken.stepwise = stepwise
        found = _harvested(forward, call, entry, lines, taken) if lines else None
        yield ran if found is None else replace(found, cost=cost)
        if ran.hung or (found is not None and found.wrong == 0):
            return


def _runs(
    loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter], entry: Entry
) -> Iterator[tuple[tuple[str, ...], Ran, bool, float]]:
    """Yield the lines of every way to call a backward pass, how they ran, whether by steps, and what they cost."""
    shown, same = forward.outputs, call == forward.call
    if shown is None or (same and "targets" not in forward.arguments.kinds):
        return
    prepared = (*forward.build, *forward.lines, f"y = {shown.expression}")
    if same:  # one call does both: what it will put out is known from the reference alone
        prepared = (*forward.build, *forward.lines[:1])
        entry = replace(entry, texts=tuple(text.replace("(y - ", "(p.y - ") for text in entry.texts))
    roles = _roles(forward, parameters)
    if forward.loop and entry.texts:
        for lines, ran in backward_cells(loaded, forward, call, parameters, entry.texts[0], roles):
            yield lines, ran, True, 0.0
    if forward.loop and same:
        return
    options = partial(_options, forward=forward, entry=entry, roles=roles)
    for offered in (options, partial(_listed, options=options))[: 1 + _trains(call)]:
        for arguments in best_first(parameters, offered, MOST_ARGUMENTS):
            if arguments.kinds.count("entry") != 1:
                continue
            if call.startswith("result[") or forward.built.reads_its_weights(arguments.text, "result"):
                lines = (f"grads = {call}({arguments.text})",)
                yield lines, run(loaded, forward.asked.p, (*prepared, *lines)), False, arguments.cost


def _after_the_loss(
    loaded: Loaded, forward: Forward, call: str, entry: Entry
) -> Iterator[tuple[tuple[str, ...], Ran, bool, float]]:
    """Yield how a backward pass without arguments runs, which starts from what a method for the loss has left."""
    if forward.outputs is None:
        return
    prepared = (*forward.build, *forward.lines, f"y = {forward.outputs.expression}")
    options = partial(_options, forward=forward, entry=entry, roles={})
    for loss in own_callables(loaded, forward.built):
        parameters = parameters_of(callable_of(forward.built, loss))
        if (
            loss in (call, forward.call)
            or not parameters
            or not names.LOSS.fullmatch(loss.rpartition(".")[2])
        ):
            continue
        for arguments in best_first(parameters, options, MOST_ARGUMENTS):
            if arguments.kinds.count("entry") == 1:
                lines = (f"loss = {loss}({arguments.text})", f"grads = {call}()")
                yield lines, run(loaded, forward.asked.p, (*prepared, *lines)), False, arguments.cost


def _trains(call: str) -> bool:
    """Tell whether a callable goes by the name of one that trains, and not by that of a backward pass."""
    name = call.rpartition(".")[2]
    return names.TRAINS.fullmatch(name) is not None and names.BACKWARD.fullmatch(name) is None


def _listed(parameter: Parameter, *, options: Callable[[Parameter], list[Option]]) -> list[Option]:
    """Return what a parameter may be given where sequences and their targets come in lists: of one sequence here."""
    return [
        (f"[{text}]" if kind in ("x", "entry") else text, c, kind) for text, c, kind in options(parameter)
    ]


def _taken(
    forward: Forward,
    ran: Ran,
    slots: Sequence[Slot],
    before: Mapping[str, Array],
    truth: Mapping[str, Array],
    known: Mapping[str, str],
) -> Taken:
    """Return what is known about a run for harvesting."""
    return Taken(
        ran=ran,
        slots=slots,
        asked=forward.asked,
        roots=forward.built.setup.roots,
        before=before,
        truth=truth,
        names=known,
    )


def _harvested(
    forward: Forward, call: str, entry: Entry, lines: tuple[str, ...], taken: Taken
) -> Backward | None:
    """Return the backward pass with the gradients that a run has left, None where it left none."""
    if not taken.ran.ok:
        return None
    found = harvests(taken)
    if not found:
        return None
    return Backward(
        forward=forward,
        call=call,
        entry=replace(entry, kind=entry.kind.replace("soft targets", "targets")),
        lines=lines,
        slots=tuple(taken.slots),
        harvest=found[0],
        cost=0.0,
        ran=taken.ran,
    )


def _roles(forward: Forward, parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return which parameters of a backward function are weights: those called as in the forward function first."""
    if not forward.fills:
        return {}
    return {**roles_of([q.name for q in parameters]), **forward.meaning}


def _options(parameter: Parameter, *, forward: Forward, entry: Entry, roles: dict[str, str]) -> list[Option]:
    name = parameter.name.strip("_")
    found = plain_options(parameter)
    if any(kind in ("rate", "truncation", "epochs") for _, _, kind in found):
        return found
    if parameter.name in roles and roles[parameter.name] in forward.fills:
        return [(forward.fills[roles[parameter.name]], 0.0, "weight")]
    if (part := part_called(forward.built, parameter.name)) is not None:
        return [(part, 0.0, "parameter")]
    passed = given(_of_forward(forward), forward.arguments.text).get(parameter.name)
    if passed in ("params", "x") and not forward.loop:
        found.append((passed, 0.05, passed))  # it goes by the same name in both passes
    enters = names.UPSTREAM if entry.kind in ("dL/dy", "dL/dh") else names.TARGET
    fits = enters.fullmatch(name) is not None and not names.NEXT.fullmatch(name)
    optional = 0.0 if parameter.required else 0.2
    found += [
        (text, (0.0 if fits else 1.5) + 0.2 * n + optional, "entry") for n, text in enumerate(entry.texts)
    ]
    found += _left_by_forward(parameter, forward)
    if names.INPUT.fullmatch(name) or parameter.required:
        found.append(("x", 0.1 if names.INPUT.fullmatch(name) and not fits else 2.5, "x"))
    if names.NEXT.fullmatch(name) or names.STATE.fullmatch(name):
        zeros = [f"np.zeros_like({text})" for text in states("p.h_0", batched=forward.inputs.batched)]
        plain = states("p.h_0", batched=forward.inputs.batched)
        found += [
            (t, 0.6 + 0.1 * n, "zeros") for n, t in enumerate(zeros if names.NEXT.fullmatch(name) else plain)
        ]
    if isinstance(parameter.default, bool):
        found.append(("", 0.0, "left out"))
    return found


def _of_forward(forward: Forward) -> list[Parameter]:
    return parameters_of(callable_of(forward.built, forward.call)) or []


def _left_by_forward(parameter: Parameter, forward: Forward) -> list[Option]:
    """Return what forward returned, whole and in parts, and what was given to it."""
    name = parameter.name
    known = returned_names(callable_of(forward.built, forward.call), "result")
    found: list[Option] = []
    result = forward.ran.names.get("result")
    if isinstance(result, (tuple, list, dict)) and len(result) <= 12:
        for item in reach("result", result, depth=2):
            if item.path == "result":
                continue
            label = known.get(item.path, item.name)
            same = label.lower() == name.lower()
            likely = names.CACHE.fullmatch(name.strip("_")) and not isinstance(item.value, np.ndarray)
            likely = likely or is_record(item.value)
            found.append((item.path, 0.05 if same else 0.9 if likely else 2.2, "result"))
    shown = forward.outputs
    if names.OUTPUT.fullmatch(name.strip("_")) and shown is not None and shown.source.startswith("result"):
        found.append((shown.source, 0.15, "outputs"))
    whole = bool(names.CACHE.fullmatch(name.strip("_"))) or known.get("result", "").lower() == name.lower()
    found.append(("result", 0.3 if whole else 2.4, "result"))
    if "params" in forward.built.setup.roots:
        found.append(("params", 0.1 if names.PARAMS.fullmatch(name) else 2.6, "params"))
    return found


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


def _ordered(forward: Forward, calls: Sequence[str]) -> list[str]:
    """Return what is called like a backward pass first, then what trains or walks back; forward if it took targets."""

    def rank(call: str) -> int:
        name = call.rpartition(".")[2]
        if call == forward.call:
            return 2
        if names.BACKWARD.fullmatch(name) and not names.CHECKS.fullmatch(name):
            return 0 if "cell" not in name and "step" not in name else 1
        return 3 if names.TRAINS.fullmatch(name) or walks_back(callable_of(forward.built, call)) else 9

    if forward.trains:
        return [forward.call]
    return [call for call in sorted(calls, key=rank) if rank(call) < 9]
