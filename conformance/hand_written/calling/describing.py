"""A binding made of what a search found, with the lines that tell people how their code is called."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from conformance.hand_written.calling.adapter import with_adapter
from conformance.hand_written.calling.backwards.entries import LOGISTIC, LOGIT_TARGETS, OWN_LOSS, SOFT_TARGETS
from conformance.hand_written.calling.backwards.extras import extras
from conformance.hand_written.calling.backwards.rates import PLACES as UPDATES
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.backwards.uncalled import uncalled
from conformance.hand_written.calling.binding import BOTH, Binding, Own
from conformance.hand_written.calling.bound import Loss
from conformance.hand_written.calling.building.sequences import between
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.starting import lines_from_a_state
from conformance.hand_written.calling.forwards.wrong import in_words
from conformance.hand_written.calling.gates.blocks import letters_of
from conformance.hand_written.calling.gates.memory import MEMORY
from conformance.hand_written.calling.gates.wording import layout_of, network_of
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import given, parameters_of
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.interface import NUMERICAL, Attempt, Interface, without_p
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.other_options import other_options
from conformance.hand_written.calling.running.program import values
from conformance.hand_written.calling.values.matching import Match
from conformance.hand_written.calling.values.slots import Slot

UPHILL = (
    "Its update is added where gradients are subtracted: it goes uphill, by gradient ascent, unless the gradient that "
    "it starts from is handed to it with the other sign."
)

EVERY_STEP_COUNTED = "Every step of every sequence counted; what it does with shorter ones was not checked."

NOT_SHORTER = "{} was left out: what the network does with shorter sequences was not checked."

PLACES = {
    "returned": "returned",
    "kept": "kept in attributes",
    "applied": "read off its update in place, (before − after) / rate",
    "locals": "read off its local variables when it returned",
    "replaced": "read off the new weights that it returned, (old − new) / rate",
}


def bound_of(
    loaded: Loaded, forward: Forward, backward: Backward | None, attempts: Sequence[Attempt] = ()
) -> Binding:
    """Return the binding of a forward pass and, where there is one, a backward pass; else what was attempted."""
    failed = () if backward is not None else uncalled(loaded, forward, attempts)
    case = forward.asked.case
    traits = forward.asked.traits
    if forward.outputs is not None and forward.outputs.last and backward is None:
        case = replace(case, cotangents="last")
    lines, back = _lines(forward, backward)
    shown = _shown(forward, backward)
    if forward.given:
        shown = {name: text for name, text in shown.items() if name not in ("y", "h")}
    if backward is not None:
        called = returned_names(forward.function(backward.call), "grads")
        shown |= extras(loaded, forward, (lines, back), called, backward)
        if "c" in case.carried and backward.loop is not None and "c" in backward.loop.carried:
            carried = _as_a_state(backward, backward.loop.carried["c"])
            shown |= {} if carried is None or "c_0" in shown else {"c_0": carried}
    own = _own(forward, backward)
    from_h_0 = () if BOTH in back else lines_from_a_state(loaded, forward)
    if any(MEMORY in line for line in from_h_0):
        traits = structs.replace(traits, memory=True)
    binding = Binding(
        name=loaded.target,
        description=f"hand-written, called as {_called(forward, backward)}",
        problem_case=case,
        interface=Interface(
            target=loaded.target, lines=(*_described(forward, backward, failed), *map(_failed, failed))
        ),
        loss=None if backward is None else _loss(forward, backward),
        notes=_notes(loaded, forward, backward, attempts if backward is None else ()),
        rate=1.0 if backward is not None and backward.harvest.place in UPDATES else None,
        mistake=forward.fault,
        loaded=loaded,
        traits=traits,
        build=forward.build,
        forward=lines,
        backward=back,
        shown=shown,
        between=between(loaded, forward, (forward if backward is None else backward).ran.seen),
        from_h_0=from_h_0,
        own=own,
        options=other_options(loaded, forward, (*lines, *back)),
        uncalled=failed,
        anchored=backward is not None and backward.harvest.anchored,
        own_rate=0.0 if backward is None else backward.harvest.own_rate,
        lifted=backward is not None and backward.lifted,
        withheld=backward is not None and backward.harvest.withheld,
        left_out=_left_out(forward, backward),
        guessed=backward is not None and (backward.arguments.guessed or _of_the_last_alone(backward)),
    )
    return with_adapter(binding, own if forward.fault or forward.is_own or not forward.complete else None)


def _of_the_last_alone(backward: Backward) -> bool:
    """Tell whether the loss was taken to see the last step of a forward pass that gives the outputs of all steps."""
    shown = backward.forward.outputs
    return backward.entry.last and shown is not None and not shown.last


def _as_a_state(backward: Backward, text: str) -> str | None:
    """Return the expression of what a loop of ours carries back as (B, H), however the code lays it out."""
    asked = backward.forward.asked.case
    shape = np.shape(values(backward.ran, {"it": text}).get("it"))
    batch, width = asked.batch, asked.hidden_size
    if shape == (batch, width):
        return text
    if shape == (width, batch):
        return f"{text}.T"
    return f"{text}[None]" if (batch, *shape) == (1, width) else None


def _called(forward: Forward, backward: Backward | None) -> str:
    calls = ([] if forward.given else [forward.call]) + ([] if backward is None else [backward.call])
    return " and ".join(calls)


def _loss(forward: Forward, backward: Backward) -> Loss:
    """Return how the loss enters: by softmax(y) too where a backward pass makes that of outputs y."""
    shown = "y" if forward.outputs is None else forward.outputs.quantity
    for targets, made in ((SOFT_TARGETS, "softmax(y)"), (LOGIT_TARGETS, "sigmoid(y)")):
        if any(targets in line for line in (*forward.lines, *backward.lines)):
            shown = made
    return Loss(kind=backward.entry.kind, outputs=shown, last=backward.entry.last)


def _lines(forward: Forward, backward: Backward | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines of both passes; where one call does both there is only a backward one."""
    if backward is None:
        return forward.lines, ()
    if backward.call == forward.call and not forward.loop and backward.entry.kind != OWN_LOSS:
        return forward.lines[:1], (*backward.lines, BOTH)
    uses_y = "y" in "".join(backward.lines).replace("p.y", "").replace("d_y", "")
    y = (f"y = {forward.outputs.expression}",) if forward.outputs is not None and uses_y else ()
    return forward.lines, (*y, *backward.lines)


def _shown(forward: Forward, backward: Backward | None) -> dict[str, str]:
    shown: dict[str, str] = {}
    last = forward.outputs is not None and forward.outputs.last if backward is None else backward.entry.last
    for name in ("y", "h", "c", *letters_of(forward.asked.case)):
        matches = [
            m for m in forward.ranked(name) if last or not m.last
        ]  # one value is no answer where all count
        match = next((m for m in matches if backward is None or _stands(m, backward)), None)
        if match is not None:
            shown[name] = match.expression
    outputs = forward.outputs
    if forward.is_own and outputs is not None and outputs.quantity == "softmax(y)":
        shown["y"] = f"np.log({outputs.expression})"  # as good a y as any other
    if backward is None:
        return shown
    for slot in backward.slots:
        text = backward.harvest.expressions.get(slot.path)
        if text is not None:
            for role, read in slot.read.items():
                shown[role] = read.format(g=text)
    return shown


def _stands(match: Match, backward: Backward) -> bool:
    """Tell whether what a forward pass left is still there, in the same shape, when the backward pass has run."""
    before, after = (
        values(ran, {"it": match.expression}).get("it") for ran in (backward.forward.ran, backward.ran)
    )
    return after is not None and np.shape(before) == np.shape(after)


def _own(forward: Forward, backward: Backward | None) -> Own | None:
    shown = forward.outputs
    if backward is None or shown is None or not forward.slots or forward.given:
        return None
    cotangent, outputs = ("p.d_y" if forward.sizes.O else "p.d_h"), shown.expression
    if backward.entry.kind == OWN_LOSS:
        cotangent = f"np.ones(np.shape({outputs}))"
    if backward.entry.crossed:
        cotangent = "-np.eye(p.O)[p.targets]"
        outputs = f"np.log({outputs})"
    if backward.entry.kind in LOGISTIC and shown.quantity == "sigmoid(y)":
        outputs = f"np.log({outputs} / (1 - {outputs}))"
    if backward.entry.last:
        cotangent = f"({cotangent})[-1:]"
        outputs = outputs if shown.last else f"({outputs})[-1:]"
    carried = {} if backward.loop is None else backward.loop.carried
    starts = {f"{state}_0": name for state, name in carried.items()}
    return Own(
        parameters={slot.path: slot.path for slot in backward.slots} | {name: name for name in starts},
        outputs=outputs,
        cotangent=cotangent,
        gradients=dict(backward.harvest.expressions) | starts,
    )


def _sizes(forward: Forward) -> str:
    """Return the sizes of the problem in a line, and where its data are."""
    p = forward.asked.p
    sizes = {"T": p.T, "B": p.B, "I": p.I, "H": p.H, **({"O": p.O} if p.O else {})}
    return f"{', '.join(f'{name} = {size}' for name, size in sizes.items())}; p holds the data"


def _described(forward: Forward, backward: Backward | None, failed: Sequence[Attempt]) -> tuple[str, ...]:
    """Return the interface in lines."""
    lines = [_sizes(forward), forward.built.setup.says]
    lines += [f"{_short(slot)}" for slot in forward.slots]
    if forward.given:
        lines.append(
            f"x = {forward.inputs.text}; result = {without_p(forward.given)}, of a forward pass of ours"
        )
    else:
        lines.append(f"{forward.call}({forward.arguments.text}), x = {forward.inputs.text}")
    for name, match in () if forward.given else (("outputs", forward.outputs), ("states", forward.best("h"))):
        if match is not None:
            last = " of the last step" if match.last else ""
            lines.append(f"{name}{last}: {match.quantity} in {match.source}")
    if backward is None:
        lines.append("no backward pass could be called" if failed else "no backward pass was found")
        return tuple(lines)
    lines += [line.removeprefix("loss = ") for line in backward.lines if line.startswith("loss = ")]
    lines.append(backward.lines[-1].removeprefix("grads = ").replace(":\n    ", ": ").replace("\n    ", "; "))
    seen = "the last step" if backward.entry.last else "every step"
    lines.append(f"the loss sees {seen} and enters as {backward.entry.kind}")
    lines.append(f"gradients are {PLACES[backward.harvest.place]}")
    return tuple(lines)


def _failed(attempt: Attempt) -> str:
    return f"{attempt.what}: {attempt.reached}; {attempt.problem}"


def _short(slot: Slot) -> str:
    return f"{slot.path} = {without_p(slot.fill)}"


def _one_layer(forward: Forward) -> Iterator[str]:
    """Yield that a network which may have more layers was asked for one."""
    model = forward.ran.names.get("model")
    if model is None or forward.built.setup.owner != "model":
        return
    made = next((line for line in forward.built.setup.lines if line.startswith("model = ")), "")
    parameters = parameters_of(type(model)) or []
    handed = given(parameters, made.partition("(")[2].rpartition(")")[0])
    single = [f"{name}=1" for name, text in handed.items() if text == "1" and "layer" in name.lower()]
    if single:
        yield f"It was asked for one layer ({', '.join(single)}): what more of them do was not judged."


def _left_out(forward: Forward, backward: Backward | None) -> dict[str, tuple[str, ...]]:
    """Return the arguments for lengths or a mask that aren't handed over, and the results of the passes with them."""
    passes = {"result": forward.call} | ({} if backward is None else {"grads": backward.call})
    found: dict[str, tuple[str, ...]] = {}
    for result, call in passes.items():
        for q in parameters_of(forward.function(call)) or []:
            if not q.required and (names.MASK.fullmatch(q.name) or names.LENGTHS.fullmatch(q.name)):
                found[q.name] = (*found.get(q.name, ()), result)
    return found


def _notes(
    loaded: Loaded, forward: Forward, backward: Backward | None, attempts: Sequence[Attempt]
) -> tuple[str, ...]:
    notes = list(loaded.notes)
    case = forward.asked.case
    if letters_of(case) and not forward.is_own:
        notes.append(f"It is {network_of(case)}: {layout_of(case, forward.slots)}.")
    notes += [
        f"{a.what.partition('.')[2]} is no backward pass: {a.problem}, as differences do."
        for a in attempts
        if a.reached == NUMERICAL
    ]
    notes += loaded.suppressed_errors
    if "come to be" in forward.built.setup.says:
        notes.append("Its weights come to be at the first forward; they are set after one.")
    if forward.fault:
        notes.append(f"Its forward pass was recognised by a mistake in it: {in_words(forward.fault)}")
    if {"mask", "lengths"} & set(forward.arguments.kinds):
        notes.append(EVERY_STEP_COUNTED)
    notes += [NOT_SHORTER.format(name) for name in _left_out(forward, backward)]
    notes += _one_layer(forward)
    if forward.is_own:
        notes.append(
            "Its forward pass is no recurrence known here; its parameters are named as the code names them."
        )
    if "b" in {role for slot in forward.slots for role in slot.roles}:
        notes.append("It has one bias, set to b_ih + b_hh; its gradient is shown as that of b_ih.")
    if backward is not None:
        notes += backward.harvest.notes
    if backward is not None and backward.harvest.place in UPDATES and backward.harvest.constant < 0:
        notes.append(UPHILL)
    return tuple(dict.fromkeys(notes))
