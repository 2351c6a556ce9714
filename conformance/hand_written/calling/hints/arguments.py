"""Arguments for a call, tried in the order of how well they fit the names of its parameters."""

import ast
import heapq
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.uses import uses_in

MOST_LOOKED_AT = 400
"""Choices of arguments that are looked at for those that fit."""

WHOLE = ("params", "parameter", "weights", "settings")
"""Kinds of things that hold what is taken from them: objects of parameters, and of what a network is built of."""

UNLIKELY = 1.5
"""What a thing that forward left costs where its name doesn't fit."""

COMPUTED = ("carried", "state", "output", "outputs", "states", "result", "cache")
"""Kinds of things that a forward pass gives, in whose place a gradient may be meant."""

BY_ITS_NAME = 1.0
"""What a thing costs at most for which a parameter's name speaks."""

Option = tuple[str, float, str]
"""An argument's expression, what it costs, and what kind of thing it is."""


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter of a foreign callable."""

    name: str
    default: Any = inspect.Parameter.empty
    keyword_only: bool = False
    share: bool = False
    parts: tuple[str, ...] = ()  # what it is taken apart into
    held: tuple[
        tuple[str, bool], ...
    ] = ()  # the paths to all that is taken from it, where it isn't used by itself
    counted: bool = False  # whether its length alone is asked
    added: bool = False  # whether something is added to it
    sizes: bool = False  # whether arrays are made of its size
    indexes: bool = False  # whether its elements are used as indices
    walked: frozenset[tuple[int, int]] = (
        frozenset()
    )  # axes that are counted along, and how far beside the counter
    methods: bool = False  # whether methods of it are called
    indexed: bool = False  # whether entries of it are taken

    @property
    def pair(self) -> bool:
        """Whether it is taken apart into two."""
        return len(self.parts) == len("hc")

    @property
    def neighbours(self) -> bool:
        """Whether elements beside each other are taken, as states are: h[t], h[t - 1]."""
        return len({beside for _, beside in self.walked}) > 1

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def rate(self) -> bool:
        """Whether it is a learning rate by its name, and no share of something (`share`)."""
        return names.RATE.fullmatch(self.name.strip("_")) is not None and not self.share


def parameters_of(function: Any) -> list[Parameter] | None:
    """Return the parameters of a callable, with what it takes out of **kwargs by name; None where it shows none."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    uses = uses_in(function)
    gathered = [p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    taken = [key for name in gathered for key in uses.keys.get(name, ())]
    return [
        Parameter(
            name=p.name,
            default=p.default,
            keyword_only=p.kind is p.KEYWORD_ONLY,
            share=p.name in uses.shares,
            parts=uses.parts.get(p.name, ()),
            held=tuple(uses.held.get(p.name, {}).items()),
            added=p.name in uses.added,
            sizes=p.name in uses.sizes,
            indexes=p.name in uses.indices,
            walked=uses.walked.get(p.name, frozenset()),
            methods=p.name.strip("_") in uses.objects,
            indexed=p.name in uses.indexed,
        )
        for p in signature.parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ] + [Parameter(name=key, keyword_only=True) for key in taken]


class Arguments(Struct, frozen=True, kw_only=True):
    """One choice of arguments: their text, what kind of thing each parameter got, and whether one was a guess.

    What the loss enters by is none where nothing else is handed over that is computed from data.
    """

    text: str = ""
    kinds: tuple[str, ...] = ()
    cost: float = 0.0
    guessed: bool = False


def given(parameters: Sequence[Parameter], text: str) -> dict[str, str]:
    """Return what each parameter is given by the text of a call's arguments.

    >>> given([Parameter(name="W"), Parameter(name="x"), Parameter(name="h")], "params, x, h=p.h_0")
    {'W': 'params', 'x': 'x', 'h': 'p.h_0'}
    """
    placed, named = _parts_of(text)
    return dict(zip([q.name for q in parameters], placed, strict=False)) | dict(named)


@lru_cache(maxsize=1000)
def _parts_of(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the arguments of a call as they are told apart: those by their place, and those by a name."""
    call = ast.parse(f"f({text})", mode="eval").body
    if not isinstance(call, ast.Call):
        return (), ()
    named = ((k.arg, ast.unparse(k.value)) for k in call.keywords if k.arg is not None)
    return tuple(map(ast.unparse, call.args)), tuple(named)


def best_first(
    parameters: Sequence[Parameter],
    options: Callable[[Parameter], Sequence[Option]],
    most: int,
    fits: Callable[[tuple[str, ...]], bool] = lambda _: True,
    repeats: Callable[[Sequence[str], tuple[str, ...]], bool] = lambda *_: False,
) -> Iterator[Arguments]:
    """Yield up to `most` choices of arguments, the cheapest first; only those whose kinds of things `fit` count.

    Nor do those that `repeat` something under several names: of parameters, or of what is taken from one of them. A
    parameter with a default may be left out.
    """
    offers = [options(parameter) for parameter in parameters]
    parted = [_parted(parameter, offer) for parameter, offer in zip(parameters, offers, strict=True)]
    offered = [
        (part, offer if part is parameter else options(part))
        for parameter, offer, parts in zip(parameters, offers, parted, strict=True)
        for part in parts
    ]
    asked = [part.name for part, _ in offered]
    table = []
    for parameter, offer in offered:
        found = sorted(offer, key=lambda option: option[1])
        if not parameter.required and not any(kind == "left out" for _, _, kind in found):
            found = sorted([("", 0.5, "left out"), *found], key=lambda option: option[1])
        if not found:
            return
        table.append(found)
    found = 0
    for cost, picked in itertools.islice(_products([[o[1] for o in row] for row in table]), MOST_LOOKED_AT):
        chosen = [row[n] for row, n in zip(table, picked, strict=True)]
        kinds = tuple(kind for _, _, kind in chosen)
        if not fits(kinds) or repeats(asked, kinds):
            continue
        guessed = any(_is_a_guess(option, chosen) for option in chosen)
        yield Arguments(text=_text(parameters, parted, chosen), kinds=kinds, cost=cost, guessed=guessed)
        found += 1
        if found == most:
            return


def _is_a_guess(option: Option, chosen: Sequence[Option]) -> bool:
    _, cost, kind = option
    if kind.startswith("entry"):
        others = (each for _, _, each in chosen if each in COMPUTED)
        return cost > BY_ITS_NAME and next(others, None) is not None
    return kind == "share" or cost > BY_ITS_NAME


def _parted(parameter: Parameter, offer: Sequence[Option]) -> list[Parameter]:
    """Return a parameter, or what is taken from it, each by its own name, where nothing offered may hold that."""
    at_hand = any(kind in WHOLE or (kind == "result" and cost < UNLIKELY) for _, cost, kind in offer)
    if not parameter.held or not parameter.required or at_hand:
        return [parameter]
    return [Parameter(name=last_name(path), counted=counted) for path, counted in parameter.held]


def last_name(path: str) -> str:
    """Return the last name in a path.

    >>> last_name(".answers[0]"), last_name("['x']")
    ('answers', 'x')
    """
    return re.findall(r"[^\W\d]\w*", path)[-1]


def _text(
    parameters: Sequence[Parameter], parted: Sequence[Sequence[Parameter]], chosen: Sequence[Option]
) -> str:
    parts, by_name, rest = [], False, iter(chosen)
    for parameter, own in zip(parameters, parted, strict=True):
        options = [next(rest) for _ in own]
        expression, _, kind = options[0]
        if own[0] is not parameter:
            held = zip(parameter.held, options, strict=True)
            expression = (
                f"structure({{{', '.join(f'{path!r}: {text}' for (path, _), (text, _, _) in held)}}})"
            )
            kind = "structure"
        if kind == "left out":
            by_name = True
            continue
        by_name = by_name or parameter.keyword_only
        parts.append(f"{parameter.name}={expression}" if by_name else expression)
    return ", ".join(parts)


def _products(costs: list[list[float]]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield the index tuples of a product in the order of their summed costs, which grow along each list."""
    start = (0,) * len(costs)
    queue = [(sum(row[0] for row in costs), start)]
    known = {start}
    while queue:
        cost, picked = heapq.heappop(queue)
        yield cost, picked
        for n, row in enumerate(costs):
            if picked[n] + 1 < len(row):
                following = (*picked[:n], picked[n] + 1, *picked[n + 1 :])
                if following not in known:
                    known.add(following)
                    heapq.heappush(queue, (cost - row[picked[n]] + row[picked[n] + 1], following))
