"""An adapter to be filled in: what is known of a network that nobody found out how to call, and marked gaps."""

import ast
import inspect
from collections.abc import Iterator
from typing import Any

from conformance.hand_written.calling.adapter import block, statement, table, text_of
from conformance.hand_written.calling.building.construct import Built, callable_of, classes, own_callables
from conformance.hand_written.calling.building.options import is_class
from conformance.hand_written.calling.forwards.passes import ASKED, case_of
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.hints.sources import nodes_of
from conformance.hand_written.calling.loading.load import Loaded, own_names
from conformance.hand_written.calling.values.slots import assignments, guesses

GAP = "..."
SHAPES = {"W_ih": "(H, I)", "W_hh": "(H, H)", "b": "(H,)", "W_hy": "(O, H)", "b_y": "(O,)"}
"""What is shown of a network, under the names of the problem, which has them in these shapes."""

SHOWN = "y (T, B, O), and gradients as " + ", ".join(f"{name} {shape}" for name, shape in SHAPES.items())

ARGUMENTS = (
    (names.INPUT, "p.x", "p.x is (T, B, I)"),
    (names.UPSTREAM, "p.d_y", "p.d_y is dL/dy, (T, B, O)"),
    (names.TARGET, "p.y - p.d_y", "targets of ½·Σ(y − target)², (T, B, O)"),
    (names.STATE, "p.h_0", "p.h_0 is (B, H)"),
)
"""What arguments are handed by their names, and what to know of it."""


def skeleton(loaded: Loaded, built: Built | None) -> str:
    """Return the source of an adapter in which what isn't known is marked: of a network as it was built, if it was."""
    sizes = ASKED if built is None else next(iter(guesses(built.arrays, ASKED)), ASKED)
    weights = {} if built is None else _weights(built)
    forward, backward = (_call(loaded, built, pattern) for pattern in (names.FORWARD, names.BACKWARD))
    shown = {"y": "result", **dict.fromkeys(SHAPES, GAP)}
    arguments = {
        "case": text_of(case_of(sizes, batched=True).id),
        "build": block((*_made(loaded, built), *weights)),
        "forward": block((f"result = {forward[0]}", f"# TODO: {forward[1]}")),
        "backward": block((f"grads = {backward[0]}", f"# TODO: {backward[1]}; shown: {SHOWN}")),
        "shown": table(shown),
        "tensors": "True" if loaded.tensors else "",
    }
    return statement(loaded.target, arguments, execute=loaded.execute)


def _made(loaded: Loaded, built: Built | None) -> Iterator[str]:
    """Yield the lines that build the network, gaps where arguments have no sizes' names, and those of its arrays."""
    if built is not None and built.setup.owner == "model":
        yield from built.setup.lines
        return
    for name in classes(loaded)[:1]:
        parameters = [q for q in parameters_of(getattr(loaded.code, name)) or [] if q.required]
        hints = {q.name: names.size_hint(q.name) for q in parameters}
        given = ", ".join(f"{n}={f'p.{hint}' if hint else GAP}" for n, hint in hints.items())
        yield f"model = code.{name}({given})" + ("  # TODO" if GAP in given else "")
        arrays = dict.fromkeys(_arrays_of(getattr(loaded.code, name)))
        yield from (f"model.{each}[...] = {GAP}  # TODO" for each in arrays)


def _arrays_of(cls: Any) -> Iterator[str]:
    """Yield the attributes that a class assigns what a call made, and that are called like weights."""
    for node in nodes_of(cls):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.BinOp)):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and names.weight_hint(target.attr) is not None:
                    yield target.attr


def _weights(built: Built) -> Iterator[str]:
    """Yield the lines that fill the arrays of a network: as what they may be by their shapes, else with a gap."""
    sizes = next(iter(guesses(built.arrays, ASKED)), ASKED)
    meaning = {slot.path: slot.fill for slot in next(iter(assignments(built.arrays, sizes, 1)), ())}
    for item in built.arrays:
        gap = "" if item.path in meaning else "TODO: "
        yield f"{item.path}[...] = {meaning.get(item.path, GAP)}  # {gap}{item.value.shape}"


def _call(loaded: Loaded, built: Built | None, pattern: Any) -> tuple[str, str]:
    """Return the call of what is called like a pass, with arguments by their names or gaps, and what to know of it."""
    called = {
        call: function
        for call, function in _callables(loaded, built)
        if pattern.fullmatch(call.rpartition(".")[2]) and not names.CHECKS.fullmatch(call.rpartition(".")[2])
    }
    call = next(iter(called), "")
    if not call:
        return f"{GAP}", "the call of it"
    parts, known = [], []
    for q in parameters_of(called[call]) or []:
        if q.required and q.name != "self":
            fitting = ((text, says) for p, text, says in ARGUMENTS if p.fullmatch(q.name.strip("_")))
            text, says = next(fitting, (GAP, f"{q.name} isn't known"))
            parts.append(f"{q.name}={text}")
            known.append(says)
    return f"{call}({', '.join(parts)})", "; ".join(known) or "it takes nothing"


def _callables(loaded: Loaded, built: Built | None) -> Iterator[tuple[str, Any]]:
    """Yield what may be called of a network, by its expression; of a class that wasn't built its methods."""
    if built is not None:
        yield from ((call, callable_of(built, call)) for call in own_callables(loaded, built))
    for name in classes(loaded)[:1]:
        methods = vars(getattr(loaded.code, name)).items()
        yield from ((f"model.{key}", value) for key, value in methods if inspect.isfunction(value))
    functions = (name for name in own_names(loaded) if not is_class(loaded, name))
    yield from ((f"code.{name}", getattr(loaded.code, name)) for name in functions)
