"""Ways to build what holds a network's weights: classes, functions that make parameters, or the module itself."""

import inspect
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.building.options import is_class, options_among, options_of
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import (
    Arguments,
    Option,
    Parameter,
    best_first,
    parameters_of,
)
from conformance.hand_written.calling.hints.inputs import STYLES, meanings_of, weight
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.hints.uses import uses_in
from conformance.hand_written.calling.interface import without_p
from conformance.hand_written.calling.loading.load import Loaded, own_names
from conformance.hand_written.calling.running.lists import numbers_in
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.matching import everything

MOST_BUILDS = 60
"""Argument choices that are tried for one constructor."""

LIBRARY = str(Path(inspect.__file__).parent)
"""Where Python's own library lies."""

MOST_FOUND, SURE = 4, 0.3
"""Ways to build one class that are handed on: one where every argument has a name that says what it is."""


SPECIAL = frozenset(
    name
    for kind in (object, type, int, float, list, dict, set, io.IOBase)
    for name in dir(kind)
    if name[:2] == "__"
) | {"__post_init__", "__getattr__", "__missing__", "__aenter__", "__aexit__", "__set_name__"}
"""Methods that Python calls itself. Others with underscores, such as __backward__, are anybody's."""


CALLED = re.compile(r"\bcode\.\w+\(")
"""A call of a function or class of the code."""


class Setup(Struct, frozen=True, kw_only=True):
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

    @property
    def is_of_its_code(self) -> bool:
        """Whether a function or class of the code makes it."""
        return any(CALLED.search(line) for line in self.lines)


class Built(Struct, frozen=True, kw_only=True):
    """A setup that ran, and the arrays it holds."""

    setup: Setup
    ran: Ran
    arrays: tuple[Reached, ...]

    def reads_its_weights(self, text: str, *others: str) -> bool:
        """Tell whether a call can read the weights: parameters that a function made must be handed to it.

        `others` are names by which they may be handed over as well.
        """
        return "params" not in self.setup.roots or any(name in text for name in ("params", *others))


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
    if given := list(_of_given_weights(loaded, name, parameters, p)):
        yield from given
        return
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
        if locked := unlocking(ran, setup.roots):
            setup = replace(setup, lines=(*setup.lines, *locked))
            ran = run(loaded, p, setup.lines)
        arrays = candidates(ran, setup.roots)
        if not arrays and (later := _initialised_later(loaded, setup, ran, p)) is not None:
            setup, ran, arrays = later
        shapes = tuple(sorted((a.path, a.value.shape) for a in arrays))
        if shapes in shown:
            continue
        shown.add(shapes)
        found += 1
        built = Built(setup=setup, ran=ran, arrays=tuple(arrays))
        yield built
        yield from _begun(loaded, built, p)
        if found == MOST_FOUND or arguments.cost < SURE:
            return


def _of_given_weights(
    loaded: Loaded, name: str, parameters: Sequence[Parameter], p: Asked
) -> Iterator[Built]:
    """Yield instances that are given their weights: two matrices or three, and biases, in every order and style."""
    required = [q for q in parameters if q.required]
    for meaning, style in itertools.product(meanings_of(parameters), STYLES):
        roles = meaning | _left_over(required, meaning)
        if not meaning or {q.name for q in required} - set(roles):
            continue
        text = ", ".join(f"{q.name}={weight(roles[q.name], style)}" for q in required)
        setup = Setup(
            lines=(f"model = code.{name}({text})",),
            owner="model",
            roots=("model",),
            says=f"model = {name}({without_p(text)})",
        )
        ran = run(loaded, p, setup.lines)
        if ran.ok and (arrays := candidates(ran, setup.roots)):
            yield Built(setup=setup, ran=ran, arrays=tuple(arrays))


def _left_over(required: Sequence[Parameter], meaning: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that are no matrix as the biases that are still missing, in their order."""
    missing = [role for role in ("b", "b_y") if role not in meaning.values()]
    missing = missing if "W_hy" in meaning.values() else missing[:1]
    rest = [q.name for q in required if q.name not in meaning]
    return dict(zip(rest, missing, strict=False))


def _arguments(parameters: Sequence[Parameter], loaded: Loaded) -> Iterator[Arguments]:
    """Yield arguments for a constructor; one that takes an output size but no hidden size may mean the latter."""
    for arguments in best_first(parameters, options_among(parameters, loaded), MOST_BUILDS, repeats=repeats):
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
        for arguments in best_first(parameters or [], lambda q: [*_data(q), *options_of(q, loaded)], 8):
            more = replace(
                setup,
                lines=(*setup.lines, f"model.{name}({arguments.text})"),
                says=f"{setup.says}, model.{name}({without_p(arguments.text)})",
            )
            made = run(loaded, p, more.lines)
            if made.ok and (arrays := candidates(made, more.roots)):
                return more, made, arrays
    return None


def _data(parameter: Parameter) -> list[Option]:
    """Return the data of which a method that makes weights may ask the sizes."""
    name = parameter.name.strip("_")
    if names.INPUT.fullmatch(name):
        return [("p.x.transpose(1, 0, 2)", 0.0, "data"), ("p.x", 0.2, "data")]
    return [("p.y[-1]", 0.0, "data"), ("p.y", 0.2, "data")] if names.TARGET.fullmatch(name) else []


def _begun(loaded: Loaded, built: Built, p: Asked) -> Iterator[Built]:
    """Yield the same network after a method of its own that is to be called before a sequence begins."""
    for call in own_callables(loaded, built):
        name = call.removeprefix("model.")
        if not names.BEGINS.fullmatch(name):
            continue
        for arguments in best_first(
            parameters_of(callable_of(built, call)) or [], lambda q: options_of(q, loaded), 3
        ):
            setup = replace(
                built.setup,
                lines=(*built.setup.lines, f"{call}({arguments.text})"),
                says=f"{built.setup.says}, {call}({without_p(arguments.text)})",
            )
            ran = run(loaded, p, setup.lines)
            if ran.ok:
                yield Built(setup=setup, ran=ran, arrays=tuple(candidates(ran, setup.roots)))
                break


def repeats(asked: Sequence[str], kinds: Sequence[str]) -> bool:
    """Tell whether one size is given twice, which would make shapes say less.

    nh1 and nh2 are one size of two layers.
    """
    for size in "IHOTB":
        given = (name for name, kind in zip(asked, kinds, strict=True) if kind == size)
        if len({names.NUMBERED.sub(r"\1", name) for name in given}) > 1:
            return True
    return False


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


def unlocking(ran: Ran, roots: Sequence[str]) -> list[str]:
    """Return the lines that let arrays be written to which code has made read-only; their values are ours to set."""
    return [
        f"{item.path}.flags.writeable = True"
        for item in everything(Ran(names=ran.names), roots)
        if isinstance(item.value, np.ndarray)
        and item.value.dtype.kind == "f"
        and item.value.flags.owndata
        and not item.value.flags.writeable
    ]


def candidates(ran: Ran, roots: Sequence[str]) -> list[Reached]:
    """Return what could be weights, reached from the roots: writeable arrays of floats; without any, lists of them."""
    found, listed = [], []
    for item in everything(Ran(names=ran.names), roots):
        value = item.value
        if isinstance(value, np.ndarray):  # foreign objects may answer anything when asked for a dtype
            if value.dtype.kind == "f" and value.ndim in (1, 2) and value.flags.writeable:
                found.append(item)
        elif (numbers := numbers_in(value)) is not None:
            listed.append(Reached(f"lists({item.path})", numbers))
    return found or _outermost(listed)


def _outermost(listed: Sequence[Reached]) -> list[Reached]:
    """Leave out the rows of matrices that are there as a whole."""
    whole = tuple(f"{item.path[:-1]}[" for item in listed)
    return [item for item in listed if not item.path.startswith(whole)]


def _rates(loaded: Loaded, name: str, arguments: Arguments, p: Asked) -> list[str]:
    """Return lines that set learning rates which the instance keeps to 1."""
    ran = run(loaded, p, (f"model = code.{name}({arguments.text})",))
    if not ran.ok:
        return []
    own = getattr(ran.names["model"], "__dict__", {})
    shares = uses_in(getattr(loaded.code, name)).shares
    rates = [
        key
        for key, value in own.items()
        if names.RATE.fullmatch(key) and key not in shares and isinstance(value, float) and value != 1.0
    ]
    reaches = [k for k, v in own.items() if names.TRUNCATION.fullmatch(k) and type(v) is int and v < 10**6]
    return [*(f"model.{key} = 1.0" for key in rates), *(f"model.{key} = 10**6" for key in reaches)]


def own_callables(loaded: Loaded, built: Built) -> list[str]:
    """Return the expressions of everything that may be called on a setup's owner."""
    if built.setup.owner == "code":
        wanted = named_functions(loaded)
        old = {
            f"{name}__{n}" for name in wanted for n in range(1, len(vars(loaded.code)))
        }  # versions hidden by those
        rest = [n for n in own_names(loaded) if not is_class(loaded, n) and n not in (*wanted, *old)]
        static = [f"{n}.{m}" for n in own_names(loaded) for m in _static_methods(loaded, n)]
        return [f"code.{n}" for n in dict.fromkeys((*wanted, *rest, *static))]
    model = built.ran.names["model"]
    found = [
        f"model.{n}"
        for n in dir(type(model))
        if n not in SPECIAL and _is_of_a_network(getattr(type(model), n, None))
    ]
    own = getattr(model, "__dict__", {})
    found += [f"model.{n}" for n, v in own.items() if inspect.isfunction(v) or inspect.ismethod(v)]
    if "__call__" in dir(type(model)):
        found.append("model.__call__")
    wanted = [f"model.{n}" for n in named_methods(loaded)]
    return [*wanted, *(n for n in found if n not in wanted)]


def named_functions(loaded: Loaded) -> list[str]:
    """Return the functions that were asked about by name, those of a class that only holds functions too."""
    plain = [name for name in loaded.wanted if not is_class(loaded, name.partition(".")[0])]
    return [*plain, *(f"{name}.{m}" for name in loaded.wanted for m in _static_methods(loaded, name))]


def named_methods(loaded: Loaded) -> list[str]:
    """Return the methods of classes that were asked about by name."""
    return [method for _, _, method in (name.partition(".") for name in loaded.wanted) if method]


def _static_methods(loaded: Loaded, name: str) -> list[str]:
    """Return the functions of a class that has nothing else, and stands for a module."""
    methods = vars(getattr(loaded.code, name)) if is_class(loaded, name) else {}
    own = {key: value for key, value in methods.items() if not key.startswith("__")}
    return list(own) if all(isinstance(value, staticmethod) for value in own.values()) else []


def _is_of_a_network(method: object) -> bool:
    """Tell whether a method may be somebody's own: what a record has of tuples, or of Python's library, is none."""
    code = getattr(inspect.unwrap(getattr(method, "__func__", method)), "__code__", None)
    if code is None:
        return callable(method) and not inspect.isroutine(method)
    return not code.co_filename.startswith(LIBRARY) or "site-packages" in code.co_filename


def part_called(built: Built, name: str) -> str | None:
    """Return the expression of what is called `name` in a network, which its own functions may want to be handed.

    It is a part of `params`, by its key or by where it was returned, or an attribute that holds parameters.
    """
    if built.setup.owner == "model":
        path = f"model.{name}"
        holds = any(re.match(rf"(lists\()?{re.escape(path)}([\[)]|$)", item.path) for item in built.arrays)
        return path if holds else None
    if "params" not in built.setup.roots:
        return None
    params = built.ran.names["params"]
    if isinstance(params, dict):
        return f"params[{name!r}]" if name in params else None
    maker = built.setup.lines[-1].removeprefix("params = code.").partition("(")[0]
    called = returned_names(getattr(built.ran.names["code"], maker, None), "params")
    return next((path for path, label in called.items() if label == name), None)


def callable_of(built: Built, expression: str) -> Any:
    """Return the callable behind an expression of `own_callables`."""
    owner, _, name = expression.partition(".")
    return attrgetter(name)(built.ran.names[owner])
