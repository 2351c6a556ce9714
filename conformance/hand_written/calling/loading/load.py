"""From a target, `file.py:Name`, `notebook.ipynb:Name` or `package.module:Name`, to a module of its definitions."""

import importlib
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, field

from conformance.errors import NoSuchTarget, UsageError
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.hints.names import BACKWARD, CHECKS, FORWARD
from conformance.hand_written.calling.loading.definitions import fill, neighbours
from conformance.hand_written.calling.loading.executing import executed
from conformance.hand_written.calling.loading.frameworks import import_computing, kind_of
from conformance.hand_written.calling.loading.load_log import LoadLog
from conformance.hand_written.calling.loading.remembered import Remembered
from conformance.hand_written.calling.loading.source import Piece, pieces_of
from conformance.hand_written.calling.loading.stand_ins import uses_tensors
from conformance.hand_written.calling.loading.statements import names_bound_in
from conformance.hand_written.calling.loading.stubs import is_stub, stubbed_imports
from conformance.hand_written.calling.running.effects import made_up_files
from conformance.hand_written.calling.running.guard import HOMES
from conformance.hand_written.target import Target, located, parts_of

SIZES = {"T": 7, "B": 3, "I": 4, "H": 6, "O": 5, "V": 5}
"""What is asked first: no size equals another, none of T, B and O divides another. V is a vocabulary's."""


class Loaded(Struct, kw_only=True):
    """The definitions of a target.

    Attributes
    ----------
    target
        What was asked for.
    wanted
        The names after the colon, none where the whole file is meant.
    code
        The module that holds the definitions.
    files
        The files (of notebooks: `file#cell`) whose code is foreign.
    notes
        What was supplied or made up, in sentences.
    not_run
        Which statements did not run: a sentence that counts them, then those that raised, each with its place.
    execute
        Whether the script was run as it stands before its definitions were taken.
    tensors
        Whether what was asked about computes with torch's tensors, for which arrays stand in.
    calls
        How many calls of it finding out how it is called may take; without end outside such a search.
    others
        The modules of further targets, whose globals are foreign as well.
    suppressed_errors
        What conformance failed at by itself, in sentences.
    """

    target: str
    wanted: tuple[str, ...]
    code: types.ModuleType
    files: frozenset[str]
    notes: tuple[str, ...]
    not_run: tuple[str, ...] = ()
    execute: bool = False
    tensors: bool = False
    calls: Budget = field(default_factory=Budget)
    suppressed_errors: list[str] = field(default_factory=list)
    others: tuple[types.ModuleType, ...] = ()
    _remembered: list[Remembered] = field(default_factory=list)

    def remember(self) -> None:
        """Remember the globals as they are now."""
        self._remembered = [Remembered(module) for module in (self.code, *self.others)]

    def reset(self) -> None:
        """Put the globals back to what was remembered: what names are bound to, and what arrays hold."""
        for each in self._remembered:
            each.put_back()


def load(
    target: str, sizes: Mapping[str, int] = SIZES, *, execute: bool = False, as_stated: bool = False
) -> Loaded:
    """Load the definitions of `target`; nothing that trains, prints, plots or reads is run, unless asked to `execute`.

    With `execute` all of the script runs first, as it stands and however long it takes; the variables that it leaves
    are there where a definition needs them. Globals with names of sizes get `sizes`, since what is built from them then
    tells by its shape what it is. Libraries to compute with are imported for adapters and torch modules, and where the
    target is called `as_stated` by an adapter; code in NumPy gets stand-ins for them.

    Raises
    ------
    NoSuchTarget
        If there is no such file or module, or no such name in it; the message lists what there is.
    UsageError
        If it isn't Python, or a name that it defines could not be defined.
    """
    asked, *further = map(Target.parse, parts_of(target))
    path, module_name, root = located(asked)
    places = [located(each) for each in further]
    log = LoadLog()
    pieces, complaints = pieces_of(path)
    for complaint in complaints:
        log.note(f"Left out, since it isn't Python: {complaint}.")
    kind = "module" if as_stated else kind_of(pieces, asked.names, (root, path.parent))
    if kind != "numpy":
        import_computing(pieces)
    code = types.ModuleType(module_name if module_name not in sys.modules else f"handwritten_{module_name}")
    code.__file__ = str(path)
    code.__package__ = module_name.rpartition(".")[0]
    sys.modules[code.__name__] = code
    folders = dict.fromkeys(
        folder for file, _, above in ((path, "", root), *places) for folder in (above, file.parent)
    )
    with stubbed_imports(kind) as made_up, neighbours(list(folders), sizes, log), made_up_files(log.files):
        if code.__package__:
            importlib.import_module(code.__package__)
        if execute:
            vars(code).update(executed(path, code.__package__, pieces, log))
            log.note("All of the script was run once, as it stands, before its definitions were taken.")
        fill(code, pieces, sizes, log)
        if further:
            sys.modules[code.__name__] = code  # which the others may import
        others = [importlib.import_module(name) for _, name, _ in places]
        wanted = [*asked.names, *_joined(code, zip(further, others, strict=True))]
    if execute:
        log.skipped = 0  # they ran before
    tensors = kind == "numpy" and uses_tensors(
        code, [f for f in _asked_about(code, wanted) if not _checks(f)]
    )
    if tensors:
        made_up.discard("torch")
        log.note("torch isn't imported: NumPy arrays in double precision stand in for its tensors.")
    if made_up:
        log.note(
            f"{', '.join(sorted(made_up))}: not installed or not needed, so calls to it give an empty stand-in."
        )
    loaded = Loaded(
        target=target,
        wanted=tuple(wanted),
        code=code,
        others=tuple(others),
        files=frozenset(log.files),
        notes=tuple(log.notes),
        not_run=tuple(log.not_run()),
        execute=execute,
        tensors=tensors,
    )
    _check_names(loaded, pieces, complete=not complaints)
    loaded.remember()
    return loaded


def _joined(code: types.ModuleType, others: Iterable[tuple[Target, types.ModuleType]]) -> Iterator[str]:
    """Put what is wanted of other modules beside the definitions of the first, and yield by which names.

    Raises
    ------
    NoSuchTarget
        If there is no such name in one of them.
    """
    for target, module in others:
        own = [
            n
            for n, v in vars(module).items()
            if callable(v) and getattr(v, "__module__", "") == module.__name__
        ]
        for name in target.names or own:
            if not hasattr(module, name):
                message = f"There is no {name!r} in {target.place}{_nearest(name, own)}; it defines {', '.join(own)}."
                raise NoSuchTarget(message)
            taken = getattr(code, name, getattr(module, name)) is not getattr(module, name)
            put = f"{name}_of_{target.stem}" if taken else name
            setattr(code, put, getattr(module, name))
            yield put


def _checks(function: Any) -> bool:
    """Tell whether a function is called like one that compares or shows: it may well import torch for that."""
    return CHECKS.fullmatch(getattr(function, "__name__", "")) is not None


def _asked_about(code: types.ModuleType, wanted: Sequence[str]) -> Iterator[Any]:
    """Yield the functions that are named, or all, and of classes what makes a network and what computes with it."""
    own = [value for value in vars(code).values() if getattr(value, "__module__", None) == code.__name__]
    for value in [getattr(code, name.partition(".")[0], None) for name in wanted] or own:
        if not isinstance(value, type):
            yield value
            continue
        for name, method in vars(value).items():
            if name == "__init__" or FORWARD.fullmatch(name) or BACKWARD.fullmatch(name):
                yield method


def loaded_from(*objects: Any, target: str = "") -> Loaded:
    """Return live classes, functions or instances as if they had been loaded; the first is what is wanted."""
    names = [getattr(value, "__name__", type(value).__name__) for value in objects]
    home = sys.modules.get(getattr(objects[0], "__module__", "")) or types.ModuleType("live")
    code = types.ModuleType(home.__name__)
    code.__file__ = getattr(home, "__file__", None)
    vars(code).update({k: v for k, v in vars(home).items() if not k.startswith("__")})
    vars(code).update(zip(names, objects, strict=True))
    loaded = Loaded(
        target=target or names[0], wanted=tuple(names), code=code, files=_files(objects, code), notes=()
    )
    loaded.remember()
    return loaded


def _files(objects: Sequence[Any], code: types.ModuleType) -> frozenset[str]:
    """Return the files of live objects and of what stands beside them in `code`, those of other libraries left out."""
    packages = {_package_of(value) for value in objects}
    found = {_file_of(value) for value in objects}
    for value in vars(code).values():
        file = _file_of(value)
        if _package_of(value) in packages or not file.startswith(HOMES):
            found.add(file)
    return frozenset(found - {""})


def _package_of(value: Any) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _file_of(value: Any) -> str:
    functions = [value, *(vars(value).values() if isinstance(value, type) else vars(type(value)).values())]
    codes = [getattr(function, "__code__", None) for function in functions]
    return next((code.co_filename for code in codes if code is not None), "")


def _check_names(loaded: Loaded, pieces: Sequence[Piece], *, complete: bool) -> None:
    """Refuse names that the source doesn't know, and those that it would define by what could not be run."""
    there = [
        name
        for name, value in vars(loaded.code).items()
        if callable(value) and not is_stub(value) and _is_own(value, loaded) and not name.startswith("__")
    ]
    for name in loaded.wanted:
        own = name.partition(".")[0]
        if hasattr(loaded.code, own):
            continue
        if not complete or any(own in names_bound_in(piece.tree) for piece in pieces):
            message = f"{name!r} was not defined, since not all of the source could be run."
            raise UsageError(" ".join([message, *loaded.not_run[:1], *loaded.notes[:3]]))
        place = Target.parse(parts_of(loaded.target)[0]).place
        message = f"There is no {name!r} in {place}{_nearest(own, there)}; it defines {', '.join(there) or 'nothing'}."
        raise NoSuchTarget(" ".join([message, *loaded.not_run[:1], *loaded.notes[:3]]))


def _nearest(name: str, there: Sequence[str]) -> str:
    """Return the names that are most like one that isn't there, as part of a sentence."""
    near = get_close_matches(name, there, n=3)
    is_called = "the nearest name is" if len(near) == 1 else "the nearest names are"
    return f", {is_called} {', '.join(near)}" if near else ""


def _is_own(value: Any, loaded: Loaded) -> bool:
    return getattr(value, "__module__", None) == loaded.code.__name__


def own_names(loaded: Loaded) -> Sequence[str]:
    """Return the names of the classes and functions that the target itself defines, in their order."""
    return [
        name
        for name, value in vars(loaded.code).items()
        if callable(value) and not is_stub(value) and (name in loaded.wanted or _is_own(value, loaded))
    ]
