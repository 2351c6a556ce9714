"""Methods of a network beside its passes: those that give its parameters away and take them back, and those that look.

    model.load_state_dict(model.state_dict())     changes nothing
    model.evaluate(x, targets)                    leaves every parameter as it is

Both are called on a network whose passes are right. What can't be called says nothing.
"""

import ast
import re
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, more, run, values
from conformance.hand_written.calling.values.matching import SAME

TAKES = {"state_dict": "load_state_dict", "get_": "set_", "save": "load", "export_": "import_"}
"""The beginnings of the names of methods that give parameters away, and of those that take them back."""

LOOKS = re.compile(
    r"(evaluat|eval|test|validat|accuracy|perplexity|score|predict|sampl|generat)(e|ion|ing)?(_\w+)?"
)
"""Methods that look at what a network gives, as their names say."""

FILE = "__import__('os').path.join(__import__('tempfile').gettempdir(), 'kept.npz')"
"""Where a network may be saved; a name that NumPy leaves as it is."""

TARGETS = ("p.targets", "p.d_y", "p.d_h")
"""What the texts of targets are made of, and of cotangents, which have their shape."""


class Companions(Struct, frozen=True, kw_only=True):
    """What became of such methods: in words what is wrong with one, and which ran and are right."""

    wrong: str = ""
    right: tuple[str, ...] = ()


def companions(loaded: Loaded, forward: Forward, backward: Backward) -> Companions:
    """Call the methods of a network that are none of its passes, as far as it is known what they are for."""
    if forward.built.setup.owner != "model" or forward.outputs is None:
        return Companions()
    methods = [name for name in dir(type(forward.built.ran.names["model"])) if not name.startswith("_")]
    right: list[str] = []
    for giver, taker in _pairs(methods):
        changes = _changes_outputs(loaded, forward, giver, taker)
        if changes:
            return Companions(wrong=f"{taker} makes another network of what {giver} gives")
        right += [giver, taker] if changes is False else []
    called = {call.rpartition(".")[2] for call in (forward.call, backward.call)}
    for name in (each for each in methods if LOOKS.fullmatch(each) and each not in called):
        moves = _moves_parameters(loaded, backward, name)
        if moves:
            return Companions(wrong=f"{name} changes its parameters")
        right += [name] if moves is False else []
    return Companions(right=tuple(right))


def _pairs(methods: list[str]) -> Iterator[tuple[str, str]]:
    for giver in methods:
        for start, other in TAKES.items():
            taker = other + giver.removeprefix(start)
            if giver.startswith(start) and taker in methods:
                yield giver, taker


def _changes_outputs(loaded: Loaded, forward: Forward, giver: str, taker: str) -> bool | None:
    """Tell whether outputs are others once a network has taken back what it gave; None where it can't be called."""
    with_a_file = parameters_of(forward.function(f"model.{giver}"))
    lines = (
        (f"model.{giver}({FILE})", f"model.{taker}({FILE})")
        if with_a_file
        else (f"model.{taker}(model.{giver}())",)
    )
    before, after = (
        _outputs(forward, run(loaded, forward.asked.p, (*forward.build, *between, *forward.lines)))
        for between in ((), lines)
    )
    if before is None or after is None:
        return None
    return before.shape != after.shape or bool(np.abs(after - before).max() > SAME * np.abs(before).max())


def _outputs(forward: Forward, ran: Ran) -> np.ndarray | None:
    shown = forward.outputs
    found = values(ran, {"outputs": shown.expression}) if ran.ok and shown is not None else {}
    return np.array(found["outputs"], dtype=float) if "outputs" in found else None


def _moves_parameters(loaded: Loaded, backward: Backward, name: str) -> bool | None:
    """Tell whether a method that looks at what a network gives leaves other parameters; None if it can't be called."""
    forward = backward.forward
    paths = {slot.path: f"np.array({slot.path})" for slot in forward.slots}
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    ran = run(loaded, forward.asked.p, (*forward.build, *forward.lines, *y))
    before = values(ran, paths)
    for arguments in _what_it_may_look_at(backward):
        looked = more(loaded, ran, (f"seen = model.{name}({arguments})",))
        if looked.ok:
            after = values(looked, paths)
            return any(not np.array_equal(before[path], after.get(path, np.nan)) for path in before)
        ran = run(loaded, forward.asked.p, (*forward.build, *forward.lines, *y))
    return None


def _what_it_may_look_at(backward: Backward) -> Iterator[str]:
    """Yield the arguments of such a method: inputs and targets, alone, together, or as a list of pairs."""
    for target in _targets(backward):
        yield from (f"x, {target}", f"[(x, {target})]", f"[x], [{target}]")
    yield from ("x", "[x]")


def _targets(backward: Backward) -> Iterator[str]:
    """Yield what a backward pass is handed that is shaped like targets."""
    for node in (node for line in backward.lines for node in ast.walk(ast.parse(line))):
        for argument in node.args if isinstance(node, ast.Call) else ():
            text = ast.unparse(argument)
            if any(part in text for part in TARGETS) and not isinstance(argument, ast.Starred):
                yield text
                return
