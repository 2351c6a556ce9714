"""Weights made up for cells of several gates, for functions that are handed them, one by one or side by side.

Which shapes they have is found by trying: k gates side by side or one, rows or columns, x and h in matrices of their
own or in one.
"""

import inspect
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.building.construct import Built, Setup, candidates, classes
from conformance.hand_written.calling.building.keys import keys_of, orders_of
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Parameter, parameters_of
from conformance.hand_written.calling.hints.inputs import STYLES, WEIGHT
from conformance.hand_written.calling.interface import without_p
from conformance.hand_written.calling.loading.load import Loaded, own_names
from conformance.hand_written.calling.running.program import run

SIDE_BY_SIDE = (4, 3)
"""Gates in one matrix: those of an LSTM and of a GRU."""

FEWEST = 3
"""Gates of a cell that has any."""

BIAS = re.compile(r"b\w{0,4}|bias\w*", re.IGNORECASE)
OF_STATES = re.compile(r"[URV]\w{0,2}|(W_?|[Ww]eights?_)(h|a|s|r)\w{0,3}|\w*(hh|rec\w*|hid\w*)", re.ASCII)
OF_HEADS = re.compile(r"(W|V|b)_?(h?y|out\w*|hq|v)|b_?y", re.ASCII)
"""What weights are called that go with h, and those of a head; all others go with x."""

OF_PLAIN_CELLS = "xhsayoqvu"
"""The letters by which the weights of plain cells differ, whose inputs, states and outputs they go with."""

MOST_NAMES = 24


def gated(loaded: Loaded, p: Asked) -> Iterator[Built]:
    """Yield parameters that functions of a target may want which no plain cell has, in every usual shape."""
    for setup in (*_parameters(loaded), *_objects(loaded)):
        ran = run(loaded, p, setup.lines)
        if ran.ok:
            yield Built(setup=setup, ran=ran, arrays=tuple(candidates(ran, setup.roots)))


def _parameters(loaded: Loaded) -> Iterator[Setup]:
    """Yield dicts and lists of weights that functions are handed."""
    for wanted, ordered in _wanted(loaded).items():
        for made in _made(wanted):
            entries = ", ".join(made.values() if ordered else (f"{name!r}: {w}" for name, w in made.items()))
            text = f"params = [{entries}]" if ordered else f"params = {{{entries}}}"
            yield Setup(lines=(text,), owner="code", roots=("params",), says=without_p(text))


def _objects(loaded: Loaded) -> Iterator[Setup]:
    """Yield instances of classes that are given nothing but weights."""
    for name in classes(loaded):
        required = [q for q in parameters_of(getattr(loaded.code, name)) or [] if q.required]
        if len(required) > 1 and all(map(_is_weight, required)):
            for made in _made([q.name for q in required]):
                handed = ", ".join(f"{parameter}={w}" for parameter, w in made.items())
                text = f"model = code.{name}({handed})"
                says = without_p(text.replace("code.", ""))
                yield Setup(lines=(text,), owner="model", roots=("model",), says=says)


def _made(wanted: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the texts of weights in every usual shape, by their names."""
    shown: list[dict[str, str]] = []
    for gates, joint, style in itertools.product(_gates(wanted), (False, True), STYLES):
        made = {
            name: f"np.zeros({_shape(stem, gates, style, joint=joint)})"
            for name, stem in _stems(wanted).items()
        }
        if made not in shown:
            shown.append(made)
            yield made


def look_gated(loaded: Loaded) -> bool:
    """Tell whether functions read like those of cells with gates: by three weights of one stem, or by a memory.

    Wx, Wh and Wo are of one stem, too, and a plain network's.
    """
    stems = (_stems(wanted) for wanted in _wanted(loaded))
    if any(
        stem != name and name[-1] not in OF_PLAIN_CELLS for found in stems for name, stem in found.items()
    ):
        return True
    functions = [getattr(loaded.code, name) for name in own_names(loaded)]
    return bool(_wanted(loaded)) and any(
        names.MEMORY.fullmatch(parameter.name.strip("_")) and len(parameter.name) > 1
        for function in functions
        if not inspect.isclass(function)
        for parameter in parameters_of(function) or []
    )


def _wanted(loaded: Loaded) -> dict[tuple[str, ...], bool]:
    """Return the names of weights that functions take as arguments, out of a dict or out of a list, most names first.

    Those in a list have an order.
    """
    found: dict[tuple[str, ...], bool] = {}
    for name in own_names(loaded):
        function = getattr(loaded.code, name)
        if inspect.isclass(function):
            continue
        parameters = parameters_of(function) or []
        found[tuple(q.name for q in parameters if q.required and _is_weight(q))] = False
        for parameter in parameters:
            found[tuple(key for key in keys_of(loaded, parameter.name) if _named(key))] = False
            orders = orders_of(loaded, parameter.name)
            found |= {order: True for order in orders if all(map(_named, order))}
    several = [each for each in found if sum(not BIAS.fullmatch(name) for name in each) > 1]
    longest = sorted((each for each in several if len(each) <= MOST_NAMES), key=len, reverse=True)
    return {each: found[each] for each in longest[:2]}


def _is_weight(parameter: Parameter) -> bool:
    return _named(parameter.name) and not names.MEMORY.fullmatch(parameter.name)


def _named(name: str) -> bool:
    return (
        WEIGHT.fullmatch(name) is not None
        or BIAS.fullmatch(name) is not None
        or bool(OF_STATES.fullmatch(name))
    )


def _stems(wanted: Sequence[str]) -> dict[str, str]:
    """Return the names without the letters of their gates, where three gates or more differ in nothing else.

    >>> _stems(("Wz", "Wr", "Wn", "Wy"))
    {'Wz': 'W', 'Wr': 'W', 'Wn': 'W', 'Wy': 'Wy'}
    >>> _stems(("W", "U", "b"))
    {'W': 'W', 'U': 'U', 'b': 'b'}
    """
    shared = Counter(name[:-1] for name in wanted if name[:-1] and not OF_HEADS.fullmatch(name))
    return {
        name: name[:-1] if shared[name[:-1]] >= FEWEST and not OF_HEADS.fullmatch(name) else name
        for name in wanted
    }


def _gates(wanted: Sequence[str]) -> tuple[int, ...]:
    """Return how many gates may lie side by side in one matrix; one where every gate has its own."""
    matrices = [name for name in wanted if not BIAS.fullmatch(name) and not OF_HEADS.fullmatch(name)]
    return SIDE_BY_SIDE if len(matrices) <= 2 else (1,)


def _shape(name: str, gates: int, style: tuple[str, str], *, joint: bool) -> str:
    """Return the text of a weight's shape, k gates of H side by side."""
    orientation, biases = style
    if OF_HEADS.fullmatch(name):
        rows, columns = "p.O", "p.H"
    else:
        rows = "p.H" if gates == 1 else f"{gates} * p.H"
        columns = "p.H + p.I" if joint else "p.H" if OF_STATES.fullmatch(name) else "p.I"
    if BIAS.fullmatch(name):
        return {"flat": f"({rows},)", "column": f"({rows}, 1)", "row": f"(1, {rows})"}[biases]
    return f"({rows}, {columns})" if orientation == "columns" else f"({columns}, {rows})"
