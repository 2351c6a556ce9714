"""Gradients limited in their size: asked for with a cotangent so small that no limit is reached."""

import re

from msgspec.structs import replace

from conformance.hand_written.calling.backwards.search import Backward, again
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.loading.load import Loaded

SOFTLY = " / 1024)"
"""How lines say that the cotangent is so many times smaller."""


def softened(loaded: Loaded, backward: Backward) -> Backward | None:
    """Return the same backward pass asked with a cotangent 2¹⁰ times smaller, where that makes more of it right.

    What limits the size of gradients leaves small ones alone.
    """
    forward, name = backward.forward, "p.d_y" if backward.forward.sizes.O else "p.d_h"
    lines = tuple(line.replace(name, f"({name}{SOFTLY}") for line in backward.lines)
    if backward.entry.crossed or lines == backward.lines or forward.loop or forward.fault or forward.is_own:
        return None
    found = again(loaded, backward, lines)
    if found is None or found.wrong >= backward.wrong:
        return None
    expressions = {path: f"(1024 * {text})" for path, text in found.harvest.expressions.items()}
    harvest = replace(
        found.harvest,
        expressions=expressions,
        constant=1024 * found.harvest.constant,
    )
    return replace(found, harvest=harvest)


def with_its_limits(bound: Binding) -> Binding:
    """Return a network with all that limits its gradients, asked with cotangents of their full size."""
    backward = tuple(re.sub(rf"\((p\.d_\w){re.escape(SOFTLY)}", r"\1", line) for line in bound.backward)
    shown = dict(bound.shown)
    if backward != bound.backward:
        shown = {name: text.replace("(1024 * ", "(") for name, text in shown.items()}
    return replace(bound, lifted=False, backward=backward, shown=shown)
