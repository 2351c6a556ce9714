"""Harmless stand-ins for modules that aren't installed, or that only draw, count or download."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from conformance.hand_written.calling.loading.frameworks import COMPUTING, Kind
from conformance.hand_written.calling.loading.stand_ins import of_torch
from conformance.hand_written.calling.running.guard import LIBRARIES
from conformance.hand_written.calling.values import softmaxes

SHOWING = frozenset(
    [
        *("matplotlib", "seaborn", "plotly", "bokeh", "pylab", "tqdm", "IPython", "ipywidgets"),
        *("wandb", "tensorboardX"),
    ]
)
"""What draws, counts and reports: never imported, even where installed, since it costs seconds and computes nothing."""

FETCHING = frozenset(["pandas", "requests", "urllib3", "sklearn", "nltk", "google", "gym", "cv2", "PIL"])
"""What reads or downloads data, of which a network needs none to be checked."""

CUPYS_OWN = {"asnumpy": np.asarray, "get_array_module": lambda *_: np}
"""What CuPy has beside NumPy's names."""

LIKE_NUMPY = ("cupy", "autograd.numpy")
"""Libraries with the names of NumPy, which stands in for them where they aren't installed."""

MADE_UP = {
    "adapter": SHOWING,
    "script": SHOWING,
    "module": SHOWING | FETCHING,
    "numpy": SHOWING | FETCHING | COMPUTING,
}
"""What is never imported, by what is run: code in NumPy computes nothing with torch, adapters and scripts do."""


class Permissive:
    """What a class inherits from in place of a base class that isn't there: it takes any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take anything."""


class Stub:
    """Something that takes every call, attribute, index, operator and `with`, and does nothing."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        found = _known(self.__name__, name)
        value = Stub(f"{self.__name__}.{name}") if found is None else found
        setattr(self, name, value)
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the function that a decorator was given; otherwise a stub."""
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], Stub):
            return args[0]
        return self

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (Permissive,)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, key: object) -> "Stub":
        return self

    def __setitem__(self, key: object, value: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False


def _known(module: str, name: str) -> Any:
    """Return what must work although its module is missing."""
    if name in ("tqdm", "tqdm_notebook") and module.startswith("tqdm"):
        return _passed_through
    if name in ("trange", "tnrange") and module.startswith("tqdm"):
        return lambda *args, **_: range(*args)
    if module.partition(".")[0] == "torch":
        return of_torch(module, name)
    if (inside := _within_numpys_likeness(module)) is not None:
        return CUPYS_OWN.get(name) or _attribute(np, f"{inside}{name}")
    if module == "scipy.special":
        return {
            "expit": softmaxes.sigmoid,
            "softmax": softmaxes.softmax_along,
            "logsumexp": softmaxes.logsumexp,
        }.get(name)
    return None


def _attribute(owner: Any, path: str) -> Any:
    """Return an attribute of an attribute, None where there is none."""
    for name in path.split("."):
        owner = getattr(owner, name, None)
    return None if isinstance(owner, types.ModuleType) else owner


def _within_numpys_likeness(module: str) -> str | None:
    """Return where in NumPy a part of a library lies that has NumPy's names, such as "random."; None of others."""
    for library in LIKE_NUMPY:
        if module == library or module.startswith(f"{library}."):
            inside = module.removeprefix(library).removeprefix(".")
            return f"{inside}." if inside else ""
    return None


def _passed_through(iterable: Any = (), *_: Any, **__: Any) -> Any:
    return iterable


class _Module(types.ModuleType):
    """A module whose every name is a stub."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":
            return []
        if name == "__all__":
            return ["tqdm", "trange"] if self.__name__.startswith("tqdm") else []
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(Stub(self.__name__), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Stub(self.__name__)(*args, **kwargs)


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stub for every module on its list, or that nobody else found."""

    def __init__(self, *, last: bool, used: set[str], names: frozenset[str] = frozenset()) -> None:
        self._last = last
        self._used = used
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a stub's spec, but leave what lies inside a real package to its own errors."""
        if self._last and _is_asked_by_a_library():
            return None  # it goes on without an optional part of it
        top = fullname.partition(".")[0]
        stubbed = isinstance(sys.modules.get(top), _Module)
        if stubbed or (top == fullname if self._last else top in self._names):
            self._used.add(top)
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Return the stub."""
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing."""


def _is_asked_by_a_library() -> bool:
    """Tell whether it is a library's own code that imports something now."""
    frame = sys._getframe(2)  # noqa: SLF001 - the way to who imports
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(LIBRARIES)


@contextmanager
def stubbed_imports(kind: Kind = "numpy") -> Iterator[set[str]]:
    """Let imports in the block succeed by stand-ins; yield the set of the modules that were made up.

    What had been imported before stays out of sight where it is made up for this kind of target. An adapter says itself
    how a network is called, and everything that it shows is judged: it gets no stand-in for what isn't installed.
    """
    used: set[str] = set()
    names = MADE_UP[kind]
    finders = [StubFinder(last=False, used=used, names=names)]
    finders += [] if kind == "adapter" else [StubFinder(last=True, used=used)]
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in names}
    sys.meta_path.insert(0, finders[0])
    sys.meta_path.extend(finders[1:])
    try:
        yield used
    finally:
        for finder in finders:
            sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if _is_made_up(name, module, names)]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _is_made_up(name: str, module: types.ModuleType, names: frozenset[str]) -> bool:
    return isinstance(module, _Module) or name.partition(".")[0] in names


def is_stub(value: object) -> bool:
    """Tell stand-ins from real things."""
    return isinstance(value, (Stub, _Module))
