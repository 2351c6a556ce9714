"""Options that a network was called without: the other values that its source knows of them, set as their defaults."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from types import FunctionType
from typing import Any

from msgspec import Struct

from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints.arguments import Parameter, given, parameters_of
from conformance.hand_written.calling.hints.sources import nodes_of
from conformance.hand_written.calling.loading.load import Loaded

NO_OPTIONS = re.compile(
    r"\w*(seed|random_state|verbose|name|debug|plot|print|epochs?|iter\w*|size|dim|batch|len\w*)\w*"
)
"""Arguments that choose nothing of what a network computes, or sizes."""

NONLINEARITIES = ("tanh", "relu")
"""Those of torch.nn.RNN."""

LAYERS = re.compile(r"\w*layers?\w*", re.IGNORECASE)
"""Arguments that say how many layers there are."""


class Option(Struct, frozen=True, kw_only=True):
    """Another value of an argument that all calls leave at its default.

    Attributes
    ----------
    of
        The classes and functions that have it, by their paths in the target's module.
    name, default, value
        The argument, what it is where it is left out, and what else it may be.
    """

    of: tuple[str, ...]
    name: str
    default: Any
    value: Any

    def __str__(self) -> str:
        """Return it as it is written in a call."""
        return f"{self.name}={self.value!r}"

    @contextmanager
    def chosen(self, loaded: Loaded) -> Iterator[None]:
        """Let the argument be this one wherever it is left out."""
        with ExitStack() as stack:
            for path in self.of:
                function = _function(attrgetter(path)(loaded.code))
                stack.enter_context(_with_default(function, self.name, self.value))
            yield


@contextmanager
def _with_default(function: FunctionType, name: str, value: Any) -> Iterator[None]:
    positional, by_name = function.__defaults__, function.__kwdefaults__
    parameters = inspect.signature(function).parameters.values()
    changed = {q.name: value if q.name == name else q.default for q in parameters if q.default is not q.empty}
    function.__defaults__ = (
        tuple(changed[q.name] for q in parameters if q.name in changed and q.kind is not q.KEYWORD_ONLY)
        or None
    )
    function.__kwdefaults__ = {n: changed[n] for n in by_name} if by_name else by_name
    try:
        yield
    finally:
        function.__defaults__, function.__kwdefaults__ = positional, by_name


def other_options(loaded: Loaded, forward: Forward, lines: Sequence[str]) -> tuple[Option, ...]:
    """Return the other values of what is left out where a network is built and where `lines` call it.

    Two functions may be told the same by two names: the activation, and its derivative. So where several have options
    of a kind, only those count that all of them have.
    """
    model = forward.ran.names.get("model")
    left: dict[str, list[tuple[Any, Parameter]]] = {}
    for line in (*(forward.built.setup.lines if forward.built.setup.owner == "model" else ()), *lines):
        for call in (node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)):
            path = ast.unparse(call.func)
            if path.startswith("model."):
                path = f"code.{type(model).__name__}.{path.removeprefix('model.')}"
            if path.startswith("code."):
                path = path.removeprefix("code.")
                left[path] = [q for q in _left_out(loaded, path, call) if _is_an_option(q)]
    found: dict[tuple[str, str], Option] = {}
    for path, parameters in left.items():
        for q in parameters:
            having = [
                p for p, others in left.items() if any(type(o.default) is type(q.default) for o in others)
            ]
            if any(q.name not in [o.name for o in left[p]] for p in having):
                continue
            for value in _others(loaded, path, q):
                option = Option(of=tuple(having), name=q.name, default=q.default, value=value)
                found.setdefault((q.name, str(option)), option)
    return tuple(found.values())


def _left_out(loaded: Loaded, path: str, call: ast.Call) -> list[Parameter]:
    """Return the arguments that one call of the target's own leaves out."""
    try:
        function = _function(attrgetter(path)(loaded.code))
    except AttributeError:
        return []
    if not isinstance(function, FunctionType):
        return []
    parameters = [q for q in parameters_of(function) or [] if q.name != "self"]
    handed = given(parameters, ", ".join([*map(ast.unparse, call.args), *map(ast.unparse, call.keywords)]))
    return [q for q in parameters if q.name not in handed]


def _function(value: Any) -> Any:
    """Return the function that holds the defaults of a class or of a method."""
    made = value.__init__ if isinstance(value, type) else value
    return inspect.unwrap(getattr(made, "__func__", made))


def _is_an_option(parameter: Parameter) -> bool:
    """Tell whether a default chooses what is computed: a switch, a name, a number of parts; no rate, scale or seed."""
    default, name = parameter.default, parameter.name.strip("_").lower()
    chooses = isinstance(default, (bool, str)) or (isinstance(default, int) and default > 0)
    return chooses and not NO_OPTIONS.fullmatch(name) and not parameter.rate


def _others(loaded: Loaded, path: str, parameter: Parameter) -> list[Any]:
    """Return what else an option may be: the other way round, more layers, or what the source compares it with."""
    if isinstance(parameter.default, bool):
        return [not parameter.default]
    if isinstance(parameter.default, int) and LAYERS.fullmatch(parameter.name):
        return [layers for layers in (2, 3) if layers != parameter.default]
    owner = getattr(loaded.code, path.partition(".")[0])
    held = {**vars(loaded.code), **(vars(owner) if isinstance(owner, type) else {})}
    known = dict.fromkeys(_compared_with(nodes_of(owner), parameter.name, held))
    if known and parameter.default in NONLINEARITIES:
        known |= dict.fromkeys(NONLINEARITIES)  # the other one may be what is left by an "else"
    return [each for each in known if type(each) is type(parameter.default) and each != parameter.default]


def _compared_with(nodes: Sequence[ast.AST], name: str, names: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the constants that a source compares a name or an attribute with, and the keys of dicts that it opens.

    >>> list(_compared_with(list(ast.walk(ast.parse("self.kind == 'a' or kind in ('b', 'c')"))), "kind", {}))
    ['a', 'b', 'c']
    """
    own = {name, *_kept_as(nodes, name)}
    for node in nodes:
        if isinstance(node, ast.Compare) and any(_name_of(n) in own for n in (node.left, *node.comparators)):
            yield from _constants(node)
        elif isinstance(node, ast.Match) and _name_of(node.subject) in own:
            yield from (c for case in node.cases for c in _constants(case.pattern))
        elif isinstance(node, ast.Subscript) and _name_of(node.slice) in own:
            if isinstance(node.value, ast.Dict):
                yield from (key.value for key in node.value.keys if isinstance(key, ast.Constant))
            elif isinstance(keys := names.get(_name_of(node.value)), dict):
                yield from keys


def _kept_as(nodes: Sequence[ast.AST], name: str) -> Iterator[str]:
    """Yield the names of the variables and attributes that hold an argument: act of self.act = activation.lower()."""
    for node in nodes:
        if isinstance(node, ast.Assign) and _name_of(node.value) == name:
            yield from map(_name_of, node.targets)


def _constants(node: ast.AST) -> Iterator[Any]:
    return (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant))


def _name_of(node: ast.AST) -> str:
    """Return a name or that of an attribute, whatever is done to its letters: kind, self.kind, kind.lower()."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _name_of(node.func.value)
    return str(getattr(node, "attr", getattr(node, "id", "")))
