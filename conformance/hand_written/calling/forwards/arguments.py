"""What the parameters of a forward pass may be given: x, states, weights in one style, targets."""

import numpy as np

from conformance.hand_written.calling.asking import Question
from conformance.hand_written.calling.building.construct import Built, part_called
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Option, Parameter
from conformance.hand_written.calling.hints.inputs import Inputs, plain_options, states, weight


def offered(
    parameter: Parameter,
    *,
    built: Built,
    way: Inputs,
    asked: Question,
    roles: dict[str, str],
    style: tuple[str, str],
) -> list[Option]:
    """Return what one parameter of a forward pass may be given, its weights in one style."""
    name = parameter.name.strip("_")
    found = plain_options(parameter)
    if any(kind in ("rate", "share", "truncation", "epochs") for _, _, kind in found):
        return found
    if parameter.name in roles:
        return [(weight(roles[parameter.name], style), 0.0, roles[parameter.name])]
    if "params" in built.setup.roots:
        found.append(("params", 0.0 if names.PARAMS.fullmatch(name) else 1.5, "params"))
    if (part := part_called(built, parameter.name)) is not None and parameter.required:
        return [(part, 0.0, "parameter")]
    if (
        built.setup.owner == "code"
        and hasattr(built.ran.names["code"], parameter.name)
        and isinstance(getattr(built.ran.names["code"], parameter.name), np.ndarray)
    ):
        found.append((f"code.{parameter.name}", 0.2, "global"))
    if not parameter.parts:  # a sequence has more parts than anybody names
        found.append(("x", 0.0 if names.INPUT.fullmatch(name) else 2.0 + (not parameter.required), "x"))
    memory = names.MEMORY.fullmatch(name) is not None and not parameter.sizes
    state = memory or names.STATE.fullmatch(name) is not None
    found += [
        (
            f"({text}, {text})" if parameter.pair else text,
            (0.0 if parameter.required else 0.4 if state and parameter.default is None else 0.6)
            + 0.1 * n
            + (0.0 if state else 2.5),
            "state",
        )
        for n, text in enumerate(states("p.h_0", batched=way.batched))
    ]
    if names.TARGET.fullmatch(name) or (parameter.indexes and not names.INPUT.fullmatch(name)):
        found += _targets(way, asked)
    elif parameter.required and not state and not parameter.parts and not names.INPUT.fullmatch(name):
        found += [(text, 1.5 + cost, kind) for text, cost, kind in _targets(way, asked)]
    return found


def _targets(way: Inputs, asked: Question) -> list[Option]:
    """Return targets for code whose forward already wants them; without a head there are none."""
    if not asked.p.O:
        return []
    found: list[Option] = [("p.targets[:, 0].tolist()", 0.2, "targets"), ("p.targets[:, 0]", 0.4, "targets")]
    if way.batched:
        found = [("p.targets.T", 0.2, "targets"), ("p.targets", 0.4, "targets")]
    if way.form is not None:
        found = [(way.form.encode("(p.y - p.d_y)"), 0.0, "targets"), *found]
    return found
