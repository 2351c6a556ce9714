"""A class of torch modules built: each argument of its constructor given by what its name means."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.errors import Unsupported
from conformance.hand_written.calling.hints.names import size_hint
from conformance.hand_written.calling.running.limits import empty_folder

if TYPE_CHECKING:
    import torch

STEPS, BATCH = 7, 3
OURS = (4, 6, 5)
"""T, B and I, H, O of a module that is built here: no size equals another."""

PARTS = {"in": 0, "feature": 0, "embed": 0, "hid": 1, "unit": 1, "state": 1, "out": 2, "class": 2}
"""Parts of the names of a constructor's arguments where the whole means nothing, and which of `OURS` is meant."""

LAYERS = ("layer", "depth", "stack")
"""Parts of the names of arguments that say how many layers there are."""

FLAGS = {
    "bidirectional": True,
    "batch_first": True,
    "bias": True,
    "nonlinearity": "tanh",
    "activation": "tanh",
}
"""What arguments get that have no default and aren't sizes."""


def choosable_layers(kind: type) -> str:
    """Return the argument of a constructor that says how many layers there are, one by default; empty without any."""
    of_one = (
        name for name, p in inspect.signature(kind).parameters.items() if p.default == 1 and _is_layers(name)
    )
    return next(of_one, "")


@empty_folder()
def built(kind: type, **chosen: object) -> torch.nn.Module:
    """Return a module of our sizes, with the arguments that are chosen.

    Raises
    ------
    Unsupported
        If the constructor takes none of what its names may mean; the message has its own words.
    """
    refusals: list[tuple[str, Exception]] = []
    for meant in _meanings(list(inspect.signature(kind).parameters.values())):
        arguments = {**meant, **chosen}
        try:
            return kind(**arguments)
        except Exception as error:  # noqa: BLE001 - a constructor refuses in its own ways
            refusals.append((", ".join(f"{k}={v}" for k, v in arguments.items()), error))
    given, error = refusals[0]
    message = f"{kind.__name__}({given}) raises {error!r}"
    raise Unsupported(message) from error


def _meanings(parameters: list[inspect.Parameter]) -> Iterator[dict[str, object]]:
    """Yield what the arguments of a constructor may be: sizes by their names, one width where no name fits."""
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    sizes = {name: size for name, p in named.items() if (size := _size(p)) is not None}
    unnamed = [name for name, p in named.items() if name not in sizes and p.default is p.empty]
    flags = {name: FLAGS[name] for name in unnamed if name in FLAGS}
    layers = {name: 2 for name in unnamed if _is_layers(name)}
    others = [name for name in unnamed if name not in flags | layers]
    widths = (OURS[1], 1) if OURS[1] not in sizes.values() else (1, OURS[1])
    for width in widths:
        yield {**sizes, **flags, **layers, **dict.fromkeys(others, width)}
    if OURS[1] not in sizes.values():  # what looks like an input is the one width of everything
        yield {**{n: OURS[1] if s == OURS[0] else s for n, s in sizes.items()}, **flags, **layers}


def _is_layers(name: str) -> bool:
    return any(part in name.lower() for part in LAYERS)


def _size(parameter: inspect.Parameter) -> int | None:
    """Return the size that an argument means."""
    name, optional = parameter.name.lower(), parameter.default is not parameter.empty
    if _is_layers(name) or (optional and isinstance(parameter.default, (bool, str, float))):
        return None
    inputs, hidden, outputs = OURS
    meant = {"T": STEPS, "B": BATCH, "I": inputs, "V": inputs, "H": hidden, "O": outputs}
    if (hint := size_hint(name)) is not None:
        return meant[hint]
    words = [] if optional else name.split("_")
    return next(
        (OURS[which] for part, which in PARTS.items() if any(w.startswith(part) for w in words)), None
    )
