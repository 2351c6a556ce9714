"""Ways to build what holds a network's weights: classes, functions that make parameters, or the module itself."""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.handwritten import names
from conformance.handwritten.asking import Asked
from conformance.handwritten.calling import Arguments, Option, Parameter, best_first, parameters_of
from conformance.handwritten.inputs import STYLES, weight
from conformance.handwritten.interface import without_p
from conformance.handwritten.keys import made_up_parameters
from conformance.handwritten.load import Loaded, own_names
from conformance.handwritten.matching import everything
from conformance.handwritten.program import Ran, run
from conformance.handwritten.reach import Reached

MOST_BUILDS = 60
"""Argument choices that are tried for one constructor."""

CONFIGURATION = re.compile(r"cfg|conf\w*|h?params|hyper\w*|opts?|options|settings|args|spec|flags|hp")
"""Names of constructor arguments that hold several settings."""

MOST_FOUND, SURE = 3, 0.3
"""Ways to build one class that are handed on: one where every argument has a name that says what it is."""

INITIALISES = ("init", "param", "weight", "build", "make", "create", "setup", "get_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the network comes to be.

    Attributes
    ----------
    lines
        The lines that build it.
    owner
        The expression on which its functions are called: "model" or "code".
    roots
        The names from which its weights are reached.
    says
        The same in words.
    """

    lines: tuple[str, ...]
    owner: str
    roots: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A setup that ran, and the arrays it holds."""

    setup: Setup
    ran: Ran
    arrays: tuple[Reached, ...]


def is_class(loaded: Loaded, name: str) -> bool:
    """Tell whether a name of the target is a class."""
    return inspect.isclass(getattr(loaded.code, name, None))


def classes(loaded: Loaded) -> list[str]:
    """Return the names of the classes to try: those wanted, or all, those with a forward and a backward first."""
    wanted = [n.partition(".")[0] for n in loaded.wanted if is_class(loaded, n.partition(".")[0])]
    if loaded.wanted:
        return wanted

    def rank(name: str) -> tuple[bool, int]:
        methods = [m for m in dir(getattr(loaded.code, name)) if not m.startswith("__")]
        both = any(names.FORWARD.fullmatch(m) for m in methods) and any(
            names.BACKWARD.fullmatch(m) for m in methods
        )
        return (not both, -list(vars(loaded.code)).index(name))

    return sorted((n for n in own_names(loaded) if is_class(loaded, n)), key=rank)


def of_class(loaded: Loaded, name: str, p: Asked) -> Iterator[Built | Ran]:
    """Yield every way found to build an instance; attempts that raise as they are."""
    cls = getattr(loaded.code, name)
    parameters = parameters_of(cls)
    if parameters is None:
        parameters = []
    found = 0
    shown: set[tuple[tuple[str, tuple[int, ...]], ...]] = set()
    for arguments in _arguments(parameters, loaded):
        setup = Setup(
            lines=(f"model = code.{name}({arguments.text})", *_rates(loaded, name, arguments, p)),
            owner="model",
            roots=("model",),
            says=f"model = {name}({without_p(arguments.text)})",
        )
        ran = run(loaded, p, setup.lines)
        if not ran.ok:
            yield ran
            if ran.hung:
                return
            continue
        arrays = candidates(ran, setup.roots)
        if not arrays and (later := _initialised_later(loaded, setup, ran, p)) is not None:
            setup, ran, arrays = later
        shapes = tuple(sorted((a.path, a.value.shape) for a in arrays))
        if shapes in shown:
            continue
        shown.add(shapes)
        found += 1
        yield Built(setup=setup, ran=ran, arrays=tuple(arrays))
        if found == MOST_FOUND or arguments.cost < SURE:
            return


def _arguments(parameters: Sequence[Parameter], loaded: Loaded) -> Iterator[Arguments]:
    """Yield arguments for a constructor; one that takes an output size but no hidden size may mean the latter."""
    sure = sum(names.size_hint(q.name) in ("I", "H", "O", "V") for q in parameters) > 1
    for arguments in best_first(parameters, lambda q: _options(q, loaded, sure=sure), MOST_BUILDS):
        if _repeats(arguments.kinds):
            continue
        if "O" in arguments.kinds and "H" not in arguments.kinds:
            yield replace(arguments, text=arguments.text.replace("p.O", "p.H"), cost=SURE)
        yield arguments


def _initialised_later(
    loaded: Loaded, setup: Setup, ran: Ran, p: Asked
) -> tuple[Setup, Ran, list[Reached]] | None:
    """Return a setup in which a method of its own has made the weights."""
    for name in dir(type(ran.names["model"])):
        if name.startswith("__") or not any(
            part in name.lower() for part in ("init", "build", "reset", "setup")
        ):
            continue
        parameters = parameters_of(getattr(ran.names["model"], name))
        for arguments in best_first(parameters or [], lambda q: _options(q, loaded), 8):
            more = replace(
                setup,
                lines=(*setup.lines, f"model.{name}({arguments.text})"),
                says=f"{setup.says}, model.{name}({without_p(arguments.text)})",
            )
            made = run(loaded, p, more.lines)
            if made.ok and (arrays := candidates(made, more.roots)):
                return more, made, arrays
    return None


def _repeats(kinds: Sequence[str]) -> bool:
    """Tell whether one size is given twice, which would make shapes say less."""
    return any(kinds.count(size) > 1 for size in "IHOTB")


def of_live(loaded: Loaded, name: str, p: Asked) -> Iterator[Built]:
    """Yield a live instance, copied for every run so that the user's own stays as it is."""
    setup = Setup(
        lines=("import copy", f"model = copy.deepcopy(code.{name})"),
        owner="model",
        roots=("model",),
        says="the instance given",
    )
    ran = run(loaded, p, setup.lines)
    if ran.ok:
        yield Built(setup=setup, ran=ran, arrays=tuple(candidates(ran, setup.roots)))


def of_module(loaded: Loaded, p: Asked) -> Iterator[Built]:
    """Yield the module's own globals, then the parameters that a function of it makes."""
    plain = Setup(lines=(), owner="code", roots=("code",), says="functions of the module")
    ran = run(loaded, p, ())
    rates = tuple(
        f"code.{name} = 1.0"
        for name, value in vars(loaded.code).items()
        if names.RATE.fullmatch(name) and isinstance(value, float)
    )
    plain = replace(plain, lines=rates)
    makers = [
        n
        for n in own_names(loaded)
        if any(n.lower().startswith(i) or f"_{i}" in n.lower() for i in INITIALISES)
    ]
    for name in makers:
        function = getattr(loaded.code, name)
        if inspect.isclass(function) or (
            names.FORWARD.fullmatch(name) and not name.lower().startswith(INITIALISES)
        ):
            continue
        for arguments in best_first(parameters_of(function) or [], lambda q: _options(q, loaded), 8):
            setup = Setup(
                lines=(*rates, f"params = code.{name}({arguments.text})"),
                owner="code",
                roots=("params", "code"),
                says=f"params = {name}({without_p(arguments.text)})",
            )
            made = run(loaded, p, setup.lines)
            if made.ok and (functions := _functions(loaded, setup, made, p)) is not None:
                yield functions
                break
            if made.ok and (arrays := candidates(made, ("params",))):
                yield Built(setup=setup, ran=made, arrays=tuple(arrays))
                break
    for text in made_up_parameters(loaded):
        setup = Setup(
            lines=(*rates, f"params = {text}"),
            owner="code",
            roots=("params", "code"),
            says=f"params = {without_p(text)}",
        )
        made = run(loaded, p, setup.lines)
        if made.ok:
            yield Built(setup=setup, ran=made, arrays=tuple(candidates(made, ("params",))))
    yield Built(setup=plain, ran=ran, arrays=tuple(candidates(ran, plain.roots)))


def _functions(loaded: Loaded, setup: Setup, made: Ran, p: Asked) -> Built | None:
    """Return a setup whose maker returned functions, or an instance, that hold their weights themselves."""
    value = made.names["params"]
    parts = value if isinstance(value, (tuple, list)) else []
    text = setup.lines[-1].removeprefix("params = ")
    if parts and all(inspect.isfunction(part) for part in parts):
        lines = (
            "from types import SimpleNamespace",
            f"model = SimpleNamespace(**{{f.__name__: f for f in {text}}})",
        )
    elif type(value).__module__ == loaded.code.__name__ and not callable(value):
        lines = (f"model = {text}",)
    else:
        return None
    own = Setup(lines=(*setup.lines[:-1], *lines), owner="model", roots=("model",), says=setup.says)
    ran = run(loaded, p, own.lines)
    return Built(setup=own, ran=ran, arrays=tuple(candidates(ran, own.roots))) if ran.ok else None


def candidates(ran: Ran, roots: Sequence[str]) -> list[Reached]:
    """Return the arrays that could be weights: reached from the roots, of floats, writeable."""
    found = []
    for item in everything(Ran(names=ran.names), roots):
        value = item.value
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        if kind == "f" and getattr(value, "ndim", 0) in (1, 2) and value.flags.writeable:
            found.append(item)
    return found


def _rates(loaded: Loaded, name: str, arguments: Arguments, p: Asked) -> list[str]:
    """Return lines that set learning rates which the instance keeps to 1."""
    ran = run(loaded, p, (f"model = code.{name}({arguments.text})",))
    if not ran.ok:
        return []
    own = getattr(ran.names["model"], "__dict__", {})
    rates = [k for k, v in own.items() if names.RATE.fullmatch(k) and isinstance(v, float) and v != 1.0]
    reaches = [k for k, v in own.items() if names.TRUNCATION.fullmatch(k) and type(v) is int and v < 10**6]
    return [*(f"model.{key} = 1.0" for key in rates), *(f"model.{key} = 10**6" for key in reaches)]


def _options(parameter: Parameter, loaded: Loaded, *, sure: bool = False) -> list[Option]:
    """Return what a parameter of a constructor may be given; `sure` where others say that they are the sizes."""
    name = parameter.name.strip("_")
    if names.RATE.fullmatch(name):
        return [("1.0", 0.0, "rate")]
    if names.TRUNCATION.fullmatch(name) and not isinstance(parameter.default, bool):
        return [("10**6", 0.0, "truncation")]
    hint = names.size_hint(name)
    if hint is None and not parameter.required:
        return [("", 0.0, "left out")]
    if not parameter.required and not (type(parameter.default) is int or parameter.default is None):
        return [("", 0.0, "left out")]
    by_value = {"T": "p.T", "B": "p.B", "V": "p.I", "I": "p.I", "H": "p.H", "O": "p.O"}
    options: list[Option] = []
    if hint is not None:
        unsure = hint in "TB" and len(name) == 1
        unlikely = 1.0 if sure else 2.5
        options.append((by_value[hint], unlikely if unsure else 0.0, hint))
    options += [(by_value[size], 2.0 + 0.1 * n, size) for n, size in enumerate("IHOTB") if size != hint]
    if parameter.required:
        role = names.weight_hint(name)
        if hint is None and role is not None:
            options += [(weight(role, style), 1.0 + 0.1 * n, "weight") for n, style in enumerate(STYLES)]
        options += _others(parameter, loaded)
    return options


def _others(parameter: Parameter, loaded: Loaded) -> list[Option]:
    """Return what a required parameter may be given that is no size."""
    name = parameter.name.lower()
    found: list[Option] = [
        ("0.1", 2.6, "number"),
        ("None", 3.0, "nothing"),
        ("0", 3.2, "zero"),
        ("True", 3.4, "flag"),
    ]
    if "activ" in name or "nonlin" in name or "func" in name:
        found += [("'tanh'", 0.0, "word"), ("np.tanh", 0.2, "function")]
        found += [
            (f"code.{n}()", 0.1, "object")
            for n in own_names(loaded)
            if "tanh" in n.lower() and is_class(loaded, n)
        ]
        found += [
            (f"code.{n}", 0.15, "function")
            for n in own_names(loaded)
            if n.lower() == "tanh" and not is_class(loaded, n)
        ]
    if "vocab" in name or "char" in name or "word" in name:
        found += [("[chr(97 + n) for n in range(p.I)]", 0.5, "vocabulary")]
        found += [("{chr(97 + n): n for n in range(p.I)}", 0.7, "vocabulary")]
    if "seed" in name or "rng" in name or "random" in name:
        found += [
            ("0", 0.0, "seed"),
            ("np.random.RandomState(0)", 0.2, "generator"),
            ("np.random.default_rng(0)", 0.3, "generator"),
        ]
    if CONFIGURATION.fullmatch(name):
        found += [("p.settings", 0.0, "settings")]
    if "dtype" in name:
        found += [("np.float64", 0.0, "dtype")]
    if "size" in name or "dims" in name or "layers" in name or "shape" in name:
        found += [("[p.I, p.H, p.O]", 0.6, "sizes"), ("(p.I, p.H, p.O)", 0.8, "sizes")]
    return found


def own_callables(loaded: Loaded, built: Built) -> list[str]:
    """Return the expressions of everything that may be called on a setup's owner."""
    if built.setup.owner == "code":
        wanted = [n for n in loaded.wanted if not is_class(loaded, n.partition(".")[0])]
        rest = [n for n in own_names(loaded) if not is_class(loaded, n) and n not in wanted]
        return [f"code.{n}" for n in (*wanted, *rest)]
    model = built.ran.names["model"]
    found = [
        f"model.{n}"
        for n in dir(type(model))
        if not n.startswith("__") and callable(getattr(type(model), n, None))
    ]
    own = getattr(model, "__dict__", {})
    found += [f"model.{n}" for n, v in own.items() if inspect.isfunction(v) or inspect.ismethod(v)]
    if "__call__" in dir(type(model)):
        found.append("model.__call__")
    wanted = [f"model.{n.partition('.')[2]}" for n in loaded.wanted if "." in n]
    return [*wanted, *(n for n in found if n not in wanted)]


def callable_of(built: Built, expression: str) -> Any:
    """Return the callable behind an expression of `own_callables`."""
    owner, _, name = expression.partition(".")
    return getattr(built.ran.names[owner], name)
