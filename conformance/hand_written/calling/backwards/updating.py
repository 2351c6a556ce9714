"""What a network's own method makes of gradients that are right: the update of its parameters is called after them."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from conformance.hand_written.calling.backwards.places import moved_by
from conformance.hand_written.calling.backwards.rates import PLACES, idle_limit
from conformance.hand_written.calling.backwards.rules import is_at_one_rate
from conformance.hand_written.calling.backwards.search import Backward, again
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Option, Parameter, best_first, parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import more, run, values
from conformance.hand_written.calling.running.reach import Reached
from refrnn import Array

UPDATES = re.compile(
    r"(update|step|apply|optimi[sz]e|sgd|adam|adagrad|rmsprop|descend)(_\w+)?", re.IGNORECASE
)
"""Methods that make something of gradients, as their names say."""

ENTRY = re.compile(r"(.+)\[([^\[\]]+)\]")
"""An entry of something, what that is and its key."""

MOST = 4
"""Ways in which one of them is called."""

ALONG = "moves every parameter along the gradient of its loss, uphill"
"""What is told of an update that is added where it should be subtracted."""


def misapplied(loaded: Loaded, backward: Backward) -> str:
    """Return in words what is wrong with an update by gradients that are right; empty where nothing is."""
    if _goes_up_its_loss(backward):
        return ALONG
    idle = idle_limit(loaded, backward)
    return f"moves every parameter as far whatever {idle} is" if idle else ""


def _goes_up_its_loss(backward: Backward) -> bool:
    """Tell whether a backward pass that is told what the loss is, not its gradient, updates the weights along it."""
    applied = backward.harvest.place in PLACES
    return applied and backward.harvest.constant < 0 and not backward.entry.kind.startswith("dL/")


def with_updates(loaded: Loaded, backward: Backward) -> tuple[tuple[str, ...], str]:
    """Return what is told of the methods that update the parameters, and in words which of them is wrong, if any.

    An update that moves some parameters against their gradients, at one rate, is wrong where others don't follow, and
    one that moves all of them the other way. One by a rule that nobody knows may be wrong.
    """
    if wrong := misapplied(loaded, backward):
        return (), f"its update {wrong}"
    if backward.forward.built.setup.owner != "model" or backward.harvest.place not in ("returned", "kept"):
        return (), ""
    told = []
    called = " ".join((*backward.forward.lines, *backward.lines))
    for name in dir(type(backward.forward.ran.names["model"])):
        if not is_an_update(backward.forward, name) or f".{name}(" in called:
            continue
        found = next(_with_one(loaded, backward, name), None)
        if found is None:
            told.append(f"Not called, so not judged: what {name} makes of the gradients.")
        elif found.harvest.place == "applied" and found.wrong and found.harvest.right:
            wrong = [role for s in found.slots if s.path not in found.harvest.right for role in s.roles]
            return (), f"its gradients are right, and {name} moves {', '.join(wrong)} by something else"
        elif _goes_uphill(found, backward):
            return (), f"its gradients are right, and {name} {ALONG}"
        elif rules := [note for note in found.harvest.notes if note not in backward.harvest.notes]:
            told += rules
        elif is_at_one_rate(*_gradients_and_moves(found, backward)):
            told.append(f"{name} moves every parameter against its gradient, at one rate.")
        else:
            return (
                (),
                f"its gradients are right, and {name} makes its moves of them by no rule that is known here",
            )
    return tuple(told), ""


def is_an_update(forward: Forward, name: str) -> bool:
    """Tell whether a method makes something of gradients, as its name says, and is handed no data to take them of."""
    if not UPDATES.fullmatch(name):
        return False
    handed = [q.name.strip("_") for q in parameters_of(forward.function(f"model.{name}")) or [] if q.required]
    return not any(names.INPUT.fullmatch(each) for each in handed)


def _with_one(loaded: Loaded, backward: Backward, name: str) -> Iterator[Backward]:
    """Yield a backward pass followed by one update, in each way of calling that which moves parameters."""
    forward = backward.forward
    parameters = parameters_of(forward.function(f"model.{name}"))
    if parameters is None:
        return
    for arguments in best_first(parameters, lambda q: _options(q, backward), MOST):
        lines = (*backward.lines, f"updated = model.{name}({arguments.text})")
        found = again(loaded, backward, lines) if _moves(loaded, backward, lines) else None
        if found is not None:
            yield found


def _options(parameter: Parameter, backward: Backward) -> list[Option]:
    """Return what a parameter of an update may be given: a rate, all gradients, or the one of its name."""
    if parameter.rate:
        return [("1.0", 0.0, "rate")]
    expressions = backward.harvest.expressions
    own = [p for p in expressions if gradient_or_itself(parameter.name, Reached(p, None).name)]
    if own:
        return [(expressions[own[0]], 0.0, "gradient")]
    return [(_all_of(expressions), 0.5, "gradients")] if parameter.required else [("", 0.0, "left out")]


def _all_of(expressions: Mapping[str, str]) -> str:
    """Return the expression of all gradients: of what holds them, without what else lies there.

    >>> _all_of({"W": "grads[1]['W']", "b": "grads[1]['b']"}), _all_of({"W": "grads[1]", "b": "grads[2]"})
    ('grads[1]', 'grads[1:3]')
    """
    parts = [ENTRY.fullmatch(text) for text in expressions.values()]
    held = {part[1] for part in parts if part is not None}
    if None in parts or len(held) != 1:
        return "grads"
    keys = [part[2] for part in parts if part is not None]
    (holder,) = held
    if not all(map(str.isdecimal, keys)):
        return holder
    return f"{holder}[{min(map(int, keys))}:{max(map(int, keys)) + 1}]"


def gradient_or_itself(name: str, parameter: str) -> bool:
    """Tell whether a name is that of a parameter or of its gradient.

    >>> gradient_or_itself("dWxh", "Wxh"), gradient_or_itself("Wxh", "Wxh"), gradient_or_itself("grads", "Wxh")
    (True, True, False)
    """
    return name == parameter or names.gradient_of(name, parameter)


def _moves(loaded: Loaded, backward: Backward, lines: tuple[str, ...]) -> bool:
    """Tell whether the lines run and leave some parameter at another value than it had."""
    forward = backward.forward
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    ran = more(loaded, run(loaded, forward.asked.p, (*forward.build, *forward.lines, *y)), lines)
    return ran.ok and any(map(np.any, values(ran, _moved(backward)).values()))


def _moved(backward: Backward) -> dict[str, str]:
    """Return the expressions of how far every parameter moved, before − after."""
    return {slot.path: moved_by(slot) for slot in backward.slots}


def _goes_uphill(updated: Backward, backward: Backward) -> bool:
    """Tell whether parameters move along their gradients, as the backward pass gives them before the update."""
    gradients, moved = _gradients_and_moves(updated, backward)
    along = sum(float(np.sum(moved[path] * g)) for path, g in gradients.items() if path in moved)
    return along * backward.harvest.constant < 0


def _gradients_and_moves(updated: Backward, backward: Backward) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the gradients that a backward pass gives before an update, and how far every parameter moves by that."""
    gradients = values(backward.ran, backward.harvest.expressions)
    moved = values(updated.ran, _moved(backward))
    return {path: np.asarray(g) for path, g in gradients.items()}, {
        p: np.asarray(d) for p, d in moved.items()
    }
