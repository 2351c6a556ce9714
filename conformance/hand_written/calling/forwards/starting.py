"""An initial state that a forward pass takes by an argument whose name doesn't say so: found by handing it one."""

from dataclasses import replace

from msgspec import structs

from conformance.hand_written.calling.asking import question
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints.arguments import given, parameters_of
from conformance.hand_written.calling.hints.inputs import states
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.values.matching import everything, recognised


def lines_from_a_state(loaded: Loaded, forward: Forward) -> tuple[str, ...]:
    """Return the lines that call a forward pass from h_0, where an argument that may be left out takes it; else none.

    What is handed in is the initial state if the outputs are right from one that isn't 0.
    """
    if (
        forward.loop
        or forward.fault
        or forward.is_own
        or any("p.h_0" in line for line in (*forward.build, *forward.lines))
    ):
        return ()
    parameters = parameters_of(forward.function(forward.call)) or []
    handed = given(parameters, forward.arguments.text)
    free = [q.name for q in parameters if q.default is None and q.name not in handed]
    asked = question(replace(forward.asked.case, h_0=True), forward.asked.traits)
    for name in free:
        for state in states("p.h_0", batched=forward.inputs.batched):
            text = ", ".join(filter(None, (forward.arguments.text, f"{name}={state}")))
            trial = structs.replace(
                forward, asked=asked, arguments=structs.replace(forward.arguments, text=text)
            )
            ran = run(loaded, asked.p, (*trial.build, *trial.lines))
            items = everything(Ran(names=ran.names), ["result", *trial.built.setup.roots]) if ran.ok else []
            if structs.replace(trial, ran=ran, matches=tuple(recognised(items, asked.forward))).complete:
                return trial.lines
    return ()
