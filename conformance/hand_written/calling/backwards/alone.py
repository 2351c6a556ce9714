"""Backward passes that stand alone: what their caller has of a forward pass is the reference's, in every layout.

Nothing shows how they want it but that they run, and that their gradients are right.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.backwards.calls import ways
from conformance.hand_written.calling.backwards.entries import ONE_HOT, entries
from conformance.hand_written.calling.backwards.search import Backward, tried, with_entry
from conformance.hand_written.calling.backwards.uncalled import SAYS
from conformance.hand_written.calling.building.construct import Built, callable_of, own_callables
from conformance.hand_written.calling.forwards.passes import ASKED, Forward, case_of
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Arguments, Parameter, parameters_of
from conformance.hand_written.calling.hints.inputs import INPUTS, ROLES, WEIGHT, Inputs, roles_of, weight
from conformance.hand_written.calling.hints.walking import adds_up_products, makes_states, walks_back
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.calling.scope import has_a_loop, spoken_of
from conformance.hand_written.calling.values.forms import Form
from conformance.hand_written.calling.values.matching import Match
from conformance.hand_written.calling.values.slots import Sizes, Slot, assignments

REFERENCE = "reference"
"""What the forward pass is called that the code doesn't have."""

MOST_CALLS = 3_000
"""Of one callable, after which no further layouts are tried."""

MOST_PROBES = 3
"""Choices of arguments by which it is seen whether a layout runs at all."""

MOST_MEANINGS = 4
"""Meanings of a network's arrays that are tried."""

STYLES = (("columns", "flat"), ("rows", "flat"))
"""How the weights that are arguments are turned; no backward pass reads a bias."""

WAYS = sorted(
    (way for way in INPUTS if way.form is None or way.form.container == "array"),
    key=lambda way: (way.of_one_sample, way.batched),
)
"""Layouts of x: code of one sample fails on a batch at once, and not the other way round."""

BIASES = ("b", "b_y")

MADE = {"y": "p.y", "softmax(y)": "p.prob", "h": "p.h"}
"""What the reference gives as outputs of each kind."""

KINDS = tuple(itertools.product(("tanh", "relu"), ("y", "softmax(y)", "h")))
"""Networks whose backward pass it may be, and what of their outputs it is handed: without a head states."""


def alone(loaded: Loaded, setups: Sequence[Built]) -> Iterator[Backward]:
    """Yield the gradients of backward passes without a forward pass of which some are right."""
    for built in setups:
        calls = own_callables(loaded, built)
        if any(_is_a_forward_pass(built, call) for call in calls):
            return
        whole = [c for c in calls if not _is_part_of_another(built, c, calls)]
        for call in (c for c in whole if _is_asked_about(loaded, built, c) and _walks_back(built, c)):
            parameters = parameters_of(callable_of(built, call)) or []
            if built.setup.owner == "model" or _takes_parameters(parameters) == (
                "params" in built.setup.roots
            ):
                yield from suppressing_errors(loaded, call, _of_callable(loaded, built, call, parameters))


def _takes_parameters(parameters: Sequence[Parameter]) -> bool:
    """Tell whether a function takes an object of all parameters."""
    return any(q.required and names.PARAMS.fullmatch(q.name) and (q.held or q.methods) for q in parameters)


def _is_a_forward_pass(built: Built, call: str) -> bool:
    """Tell whether something is called like a forward pass and has a loop, so that others don't stand alone."""
    name = call.rpartition(".")[2]
    function = callable_of(built, call)
    return bool(names.FORWARD.fullmatch(name)) and has_a_loop(function) and not walks_back(function)


def _is_asked_about(loaded: Loaded, built: Built, call: str) -> bool:
    return built.setup.owner == "model" or not loaded.wanted or call.removeprefix("code.") in loaded.wanted


def _walks_back(built: Built, call: str) -> bool:
    """Tell whether something is a backward pass by its name, or by what it does, and no forward pass as well."""
    name, function = call.rpartition(".")[2], callable_of(built, call)
    if names.CHECKS.fullmatch(name) or (makes_states(function) and walks_back(function)):
        return False
    return walks_back(function) or (
        has_a_loop(function) and (bool(names.BACKWARD.fullmatch(name)) or adds_up_products(function))
    )


def _is_part_of_another(built: Built, call: str, calls: Sequence[str]) -> bool:
    """Tell whether something is called by what is called like a backward pass: right or not, that is to be judged."""
    name = call.rpartition(".")[2]
    others = [other for other in calls if other != call and SAYS.search(other.rpartition(".")[2])]
    return any(name in spoken_of(callable_of(built, other)) for other in others)


def _of_callable(loaded: Loaded, built: Built, call: str, parameters: list[Parameter]) -> Iterator[Backward]:
    running: dict[tuple[str, ...], bool] = {}
    last = loaded.calls.spent + MOST_CALLS
    for trial in _passes(built, parameters):
        layout = (
            trial.inputs.text,
            trial.given,
            *trial.fills.values(),
            *trial.meaning.values(),
        )
        if not running.setdefault(layout, True):
            continue
        if loaded.calls.spent > last:
            return
        forward = replace(trial, ran=run(loaded, trial.asked.p, (*trial.build, *trial.lines)))
        running[layout] = _runs(loaded, forward, call, parameters)
        for entry in entries(loaded, forward) if running[layout] else ():
            put = with_entry(forward, entry)
            for backward in () if put is None else tried(loaded, put, call, parameters, entry):
                handed = isinstance(backward, Backward) and "result[" in backward.lines[-1]
                if isinstance(backward, Backward) and handed and backward.harvest.right:
                    yield (found := _without_idle_biases(backward))
                    if found.certain:
                        return


def _runs(loaded: Loaded, forward: Forward, call: str, parameters: list[Parameter]) -> bool:
    """Tell whether a layout runs with the likeliest arguments, for a loss on every step, on the last, or on ids."""
    kinds: set[tuple[bool, bool, bool]] = set()
    for entry in entries(loaded, forward):
        put = with_entry(forward, entry)
        kind = (entry.last, entry.crossed, ONE_HOT in entry.texts[0])
        if put is None or kind in kinds or entry.spares_the_head:
            continue
        kinds.add(kind)
        for way in itertools.islice(ways(loaded, put, call, parameters, entry), MOST_PROBES):
            if way.ran.ok:
                return True
    return False


def _passes(built: Built, parameters: list[Parameter]) -> Iterator[Forward]:
    """Yield what stands for a forward pass: with a head, and of weights as they are named, first."""
    axes = {axis for q in parameters for axis, _ in q.walked}
    ids = any(q.indexes and names.INPUT.fullmatch(q.name.strip("_")) for q in parameters)
    layouts = [way for way in WAYS if way.ids == ids and (not axes or _axis_of_time(way) in axes)]
    ahead = any(beside > 0 for q in parameters if q.neighbours for _, beside in q.walked)
    holds = _holds_weights(built)
    meanings = [(True, {})] if holds else _meanings(parameters)
    for sizes in (ASKED, Sizes(ASKED.I, ASKED.H, 0)):
        held = assignments(built.arrays, sizes, MOST_MEANINGS) if holds else [()]
        for told, way in itertools.product((True, False), layouts):
            known = [meaning for as_named, meaning in meanings if as_named == told]
            for slots, meaning, style in itertools.product(held, known, STYLES[: 1 if holds else None]):
                plain = _plain(built, way, sizes, slots, meaning, style)
                yield from _in_layouts(plain, ahead=ahead)


def _axis_of_time(way: Inputs) -> int:
    return 0 if way.form is None else way.form.axes.find("T")


def _plain(
    built: Built,
    way: Inputs,
    sizes: Sizes,
    slots: tuple[Slot, ...],
    meaning: dict[str, str],
    style: tuple[str, str],
) -> Forward:
    """Return a forward pass of the reference that has given nothing yet; ids are of a vocabulary as its outputs are."""
    sizes = Sizes(sizes.O or sizes.I, sizes.H, sizes.O) if way.ids else sizes
    roles = [role for role in (*ROLES, *BIASES) if sizes.O or not role.endswith("y")]
    held = {role for slot in slots for role in slot.roles} or set(roles)
    traits = Traits(one_hot=way.ids, cell_bias=not held.isdisjoint(("b", "b_ih")), head_bias="b_y" in held)
    return Forward(
        built=built,
        call=REFERENCE,
        inputs=way,
        arguments=Arguments(),
        slots=slots,
        sizes=sizes,
        asked=question(case_of(sizes, batched=way.batched), traits),
        ran=Ran(names={}),
        fills={} if slots else {role: weight(role, style) for role in roles},
        meaning=meaning,
    )


def _holds_weights(built: Built) -> bool:
    return built.setup.owner == "model" or "params" in built.setup.roots


def _meanings(parameters: Sequence[Parameter]) -> list[tuple[bool, dict[str, str]]]:
    """Return which argument may be which parameter of the network, and whether that is as the names say."""
    named = roles_of([q.name for q in parameters])
    walks = any(q.walked for q in parameters)
    matrices = [
        q.name
        for q in parameters
        if q.required and (named.get(q.name, "")[:1] == "W" or _is_a_weight(q, walks=walks))
    ]
    biases = {name: role for name, role in named.items() if name not in matrices and role[0] == "b"}
    orders = [
        dict(zip(matrices, order, strict=True))
        for order in (itertools.permutations(ROLES, len(matrices)) if len(matrices) <= len(ROLES) else ())
    ]
    return [(all(named.get(n) == role for n, role in order.items()), biases | order) for order in orders]


def _is_a_weight(parameter: Parameter, *, walks: bool) -> bool:
    """Tell whether an argument is a matrix of weights by its name, or as what isn't walked over where others are."""
    if WEIGHT.fullmatch(parameter.name):
        return not parameter.indexes and not parameter.neighbours
    others = (names.UPSTREAM, names.TARGET, names.NEXT, names.STATE, names.INPUT)
    known = any(pattern.fullmatch(parameter.name.strip("_")) for pattern in others)
    whole = not (parameter.walked or parameter.parts or parameter.held or parameter.rate)
    return walks and whole and not known


def _in_layouts(forward: Forward, *, ahead: bool) -> Iterator[Forward]:
    """Yield passes that hand on states and outputs in the layouts that go with that of x, of every kind of network."""
    form = forward.inputs.form
    laid_out = (
        (form.axes,) if form is not None else ("TBN", "TNB") if forward.inputs.batched else ("TN1", "TN")
    )
    for states, text in (each for axes in laid_out for each in _states(axes, ahead=ahead)):
        outputs = Form("dict", states.axes) if states.container == "dict" else states
        for nonlinearity, quantity in KINDS:
            if (quantity == "h") != (not forward.sizes.O):
                continue
            parts = {
                "h": states.encode(text),
                "y": outputs.encode(MADE[quantity]),
                "before": outputs.encode("p.states[:-1]"),
                "sums": outputs.encode("np.arctanh(p.h)"),
            }
            match = Match(
                quantity=quantity,
                source="result['y']",
                form=outputs,
                expression=outputs.decode("result['y']"),
                last=False,
                right=forward.asked.case.steps,
            )
            case = dataclasses.replace(forward.asked.case, nonlinearity=nonlinearity)
            given = ", ".join(f"{name!r}: {expression}" for name, expression in parts.items())
            asked = question(case, forward.asked.traits)
            yield replace(forward, asked=asked, matches=(match,), given=f"{{{given}}}")


def _states(axes: str, *, ahead: bool) -> Iterator[tuple[Form, str]]:
    """Yield layouts of states: with h_0 in front where the code looks `ahead`, else under -1 or left out as well."""
    if not ahead:
        yield Form("dict", "T" + axes.replace("T", ""), -1), "p.states"
        yield Form("array", axes), "p.h"
    yield Form("array", axes), "p.states"


def _without_idle_biases(backward: Backward) -> Backward:
    """Return gradients without those of biases that aren't there: of a network that has none."""
    idle = [
        s
        for s in backward.slots
        if set(s.roles) <= set(BIASES) and s.path not in backward.harvest.expressions
    ]
    forward, roles = backward.forward, {role for slot in idle for role in slot.roles}
    traits = replace(
        forward.asked.traits,
        cell_bias=forward.asked.traits.cell_bias and "b" not in roles,
        head_bias=forward.asked.traits.head_bias and "b_y" not in roles,
    )
    kept = {role: fill for role, fill in forward.fills.items() if role not in roles}
    bare = replace(forward, fills=kept, asked=question(forward.asked.case, traits))
    return replace(backward, forward=bare, slots=tuple(s for s in backward.slots if s not in idle))
