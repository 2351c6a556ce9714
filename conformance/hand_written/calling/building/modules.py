"""Functions of a module: its own globals, the parameters that a function makes, functions that hold their weights."""

import inspect
import re
from collections.abc import Iterator
from functools import partial
from operator import attrgetter

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.building.construct import (
    MOST_BUILDS,
    SURE,
    Built,
    Setup,
    candidates,
    repeats,
)
from conformance.hand_written.calling.building.keys import made_up_parameters
from conformance.hand_written.calling.building.options import is_class, options_among
from conformance.hand_written.calling.building.records import is_record
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import best_first, parameters_of
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.hints.sources import source_of
from conformance.hand_written.calling.hints.uses import uses_in
from conformance.hand_written.calling.interface import without_p
from conformance.hand_written.calling.loading.load import Loaded, own_names
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.values.slots import Sizes, fit_plainly

DRAWS = re.compile(r"\.(rand\w*|(standard_)?normal|uniform|gauss)\b(?!\.)|\brandn\(")
MOST_PARAMETERS = 6
"""What a function that draws weights does in its source, and how many parameters it has."""

VIEW = re.compile(r"\.reshape\(|\.resize\(|\.view\(")
VECTORS = tuple(
    f"np.random.default_rng(0).normal(0, 0.4, p.H * (p.I + p.H + {biases}){head})"
    for biases, head in (
        (1, " + p.O * (p.H + 1)"),
        (2, " + p.O * (p.H + 1)"),
        (0, " + p.O * p.H"),
        (1, " + p.O * p.H"),
        (1, ""),
        (2, ""),
    )
)
"""What takes a parameter out of a vector, and vectors of all parameters: with one bias of the cell, two or none."""

INITIALISES = ("init", "param", "weight", "build", "make", "create", "setup", "get_")


def of_module(loaded: Loaded, p: Asked) -> Iterator[Built]:
    """Yield the parameters that functions of the module make, then made-up ones, then the module's own globals."""
    shares = frozenset[str]().union(
        *(uses_in(getattr(loaded.code, name)).shares for name in own_names(loaded))
    )
    rates = tuple(
        f"code.{name} = 1.0"
        for name, value in vars(loaded.code).items()
        if names.RATE.fullmatch(name) and name not in shares and isinstance(value, float)
    )
    for name in (*filter(partial(_is_maker, loaded), own_names(loaded)), *_of_records(loaded)):
        if (built := _made(loaded, name, rates, p)) is not None:
            yield built
    for text in (*made_up_parameters(loaded), *_vectors(loaded)):
        setup = _setup(rates, text)
        made = run(loaded, p, setup.lines)
        if made.ok:
            yield Built(setup=setup, ran=made, arrays=tuple(candidates(made, ("params",))))
    ran = run(loaded, p, ())
    plain = Setup(lines=rates, owner="code", roots=("code",), says="functions of the module")
    yield Built(setup=plain, ran=ran, arrays=tuple(candidates(ran, plain.roots)))


def _vectors(loaded: Loaded) -> list[str]:
    """Return the expressions of vectors of all parameters that functions of a target may take views of."""
    texts = [source_of(getattr(loaded.code, name)) for name in own_names(loaded)]
    wanted = any(
        names.PARAMS.fullmatch(q.name) and q.required
        for name in own_names(loaded)
        if not is_class(loaded, name)
        for q in parameters_of(getattr(loaded.code, name)) or []
    )
    return list(VECTORS) if wanted and any(VIEW.search(text) for text in texts) else []


def _of_records(loaded: Loaded) -> list[str]:
    """Return the methods of records that make one of them out of random numbers: RateNet.random."""
    return [
        f"{name}.{method}"
        for name in own_names(loaded)
        if is_class(loaded, name) and is_record(getattr(loaded.code, name))
        for method, value in vars(getattr(loaded.code, name)).items()
        if isinstance(value, (classmethod, staticmethod)) and DRAWS.search(source_of(value.__func__))
    ]


def _is_maker(loaded: Loaded, name: str) -> bool:
    """Tell whether a function may be one that makes parameters."""
    lower = name.lower()
    if inspect.isclass(getattr(loaded.code, name)):
        return False
    begins_or_ends = lower.startswith(INITIALISES) or lower.endswith(INITIALISES)
    if names.FORWARD.fullmatch(name) and not begins_or_ends:
        return False
    named = begins_or_ends or any(f"_{part}" in lower for part in INITIALISES)
    return named or _draws(loaded, name) or _makes_arguments(loaded, name)


def _draws(loaded: Loaded, name: str) -> bool:
    """Tell whether a function draws random numbers and returns what it made of them, and of nothing but few numbers."""
    function = getattr(loaded.code, name)
    parameters = parameters_of(function) or []
    text = source_of(function)
    sized = not any(names.INPUT.fullmatch(q.name) and names.size_hint(q.name) is None for q in parameters)
    return len(parameters) <= MOST_PARAMETERS and sized and bool(DRAWS.search(text)) and "return" in text


def _setup(rates: tuple[str, ...], text: str) -> Setup:
    return Setup(
        lines=(*rates, f"params = {text}"),
        owner="code",
        roots=("params", "code"),
        says=f"params = {without_p(text).removeprefix('code.')}",
    )


def _made(loaded: Loaded, name: str, rates: tuple[str, ...], p: Asked) -> Built | None:
    """Return what a function makes: under sizes that its arguments' names are sure of, or that its arrays bear out."""
    parameters, unsure = parameters_of(attrgetter(name)(loaded.code)) or [], None
    for arguments in best_first(parameters, options_among(parameters, loaded), MOST_BUILDS, repeats=repeats):
        setup = _setup(rates, f"code.{name}({arguments.text})")
        made = run(loaded, p, setup.lines)
        if made.hung:
            return unsure
        if not made.ok:
            continue
        if (functions := _functions(loaded, setup, made, p)) is not None:
            return functions
        arrays = candidates(made, ("params",))
        if not arrays:
            continue
        built = Built(setup=setup, ran=made, arrays=tuple(arrays))
        unsure = unsure or built
        if arguments.cost < SURE or fit_plainly(arrays, Sizes(p.I, p.H, p.O)):
            return built
    return unsure


def _makes_arguments(loaded: Loaded, name: str) -> bool:
    """Tell whether what a function returns goes by the names of arguments that several functions take."""
    own = getattr(loaded.code, name)
    made = set(returned_names(own, "params").values())
    if len(made) < 2 or made & {q.name for q in parameters_of(own) or []}:
        return False
    others = {n: getattr(loaded.code, n) for n in own_names(loaded) if n != name and not is_class(loaded, n)}
    calls = set(own.__code__.co_names) if inspect.isfunction(own) else set()
    if calls & others.keys():
        return False  # it does more than make them
    return sum(made <= {q.name for q in parameters_of(other) or []} for other in others.values()) > 1


def _acts(value: object) -> bool:
    """Tell whether an object has a forward pass itself; a record may just hold weights."""
    methods = [name for name in dir(type(value)) if not name.startswith("_")]
    return not is_record(value) or any(names.FORWARD.fullmatch(name) for name in methods)


def _functions(loaded: Loaded, setup: Setup, made: Ran, p: Asked) -> Built | None:
    """Return a setup whose maker returned functions, or an instance, that hold their weights themselves."""
    value = made.names["params"]
    parts = value if isinstance(value, (tuple, list)) else []
    text = setup.lines[-1].removeprefix("params = ")
    if parts and any(inspect.isfunction(part) for part in parts):
        lines = (
            "from types import FunctionType, SimpleNamespace",
            f"model = SimpleNamespace(**{{f.__name__: f for f in {text} if isinstance(f, FunctionType)}})",
        )
    elif (
        type(value).__module__ == loaded.code.__name__
        and not callable(value)
        and not isinstance(value, tuple)
        and _acts(value)
    ):
        lines = (f"model = {text}",)
    else:
        return None
    own = Setup(lines=(*setup.lines[:-1], *lines), owner="model", roots=("model",), says=setup.says)
    ran = run(loaded, p, own.lines)
    return Built(setup=own, ran=ran, arrays=tuple(candidates(ran, own.roots))) if ran.ok else None
