"""Modules made of definitions alone, for a target and for the files next to it that it imports."""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from conformance.errors import UsageError
from conformance.hand_written.calling.hints.names import size_hint
from conformance.hand_written.calling.loading import statements
from conformance.hand_written.calling.loading.load_log import LoadLog, run_statement
from conformance.hand_written.calling.loading.older_names import BUILTINS, put_back
from conformance.hand_written.calling.loading.source import Piece, pieces_of
from conformance.hand_written.calling.loading.stubs import Stub
from conformance.hand_written.calling.running.effects import harmless_open
from conformance.hand_written.calling.running.limits import seeded, time_limit

ASSIGNMENT, DEFINITION = 0.5, 20.0
"""Seconds of computing that one statement may take; definitions compile, and imports load."""

MOST_HANGING = 8
"""Assignments of one module that may run into their limit, after which none is run any more."""

Fill = Callable[[types.ModuleType, Sequence[Piece], Mapping[str, int], LoadLog], None]
"""Runs the pieces of a module, with sizes for its globals, and keeps a log of it."""

DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.Try, ast.If, ast.FunctionDef, ast.ClassDef)


def fill(module: types.ModuleType, pieces: Sequence[Piece], sizes: Mapping[str, int], log: LoadLog) -> None:
    """Run the harmless statements of `pieces` in `module`, globals named like sizes set to `sizes`."""
    names = vars(module)
    folder = Path(getattr(module, "__file__", None) or ".").parent
    names.update(BUILTINS, open=partial(harmless_open, beside=folder))
    defined = set().union(*(statements.functions_in(piece.tree) for piece in pieces)) if pieces else set()
    bound = set().union(*(statements.names_bound_in(piece.tree) for piece in pieces)) if pieces else set()
    hanging = 0
    for piece in pieces:
        log.files.add(piece.file)
        if piece.older:
            log.note(
                f"{piece.file} is Python 2, and was read as Python 3: / of two integers is no floor in it."
            )
        for name in put_back(piece.tree):
            log.note(f"{name} is gone from this version; what took its place stands in for it.")
        for node, left_out in statements.harmless_parts(piece.tree, defined):
            log.skipped += left_out
            busy = not isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Pass))
            if busy and hanging >= MOST_HANGING:
                log.skipped += 1
                continue
            _keep_version(names, node)
            supply = (
                partial(_supply, names, bound, sizes, log) if isinstance(node, DEFINED) else lambda _: False
            )
            hanging += not run_statement(node, piece, names, log, _limit(node), supply)
            _resize(names, node, sizes, log)
        for node in statements.supplied_by_main(piece.tree, names):
            run_statement(node, piece, names, log, _limit(node))
            log.note(
                f"{ast.unparse(node)} is taken from the main block: its definitions read that global name."
            )
            _resize(names, node, sizes, log)


def _supply(
    names: dict[str, object],
    bound: Container[str],
    sizes: Mapping[str, int],
    log: LoadLog,
    error: BaseException,
) -> bool:
    """Put something in the place of a global that a definition leans on, where what would have bound it was left out.

    Such are defaults of arguments, bases and decorators; a size by its name, anything else by what does nothing.
    """
    name = error.name if type(error) is NameError else ""
    if name in names or name not in bound:
        return False
    size = sizes.get(size_hint(name) or "")
    names[name] = Stub(name) if size is None else size
    stands_in = "an empty stand-in" if size is None else f"{size}"
    log.note(f"The global {name} was not there when a definition asked for it: {stands_in} took its place.")
    return True


def _limit(node: ast.stmt) -> Callable[[], AbstractContextManager[None]]:
    """Return the time that a statement may take; an adapter's takes as long as loading its network does."""
    if any(isinstance(n, ast.Name) and n.id == "handwritten" for n in ast.walk(node)):
        return nullcontext
    return partial(time_limit, DEFINITION if isinstance(node, DEFINITIONS) else ASSIGNMENT)


def _keep_version(names: dict[str, object], node: ast.stmt) -> None:
    """Keep what a later definition of the same name would hide, as name__1, name__2 and so on."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and callable(names.get(node.name)):
        number = 1 + sum(name.startswith(f"{node.name}__") for name in names)
        names[f"{node.name}__{number}"] = names[node.name]


def _resize(names: dict[str, object], node: ast.stmt, sizes: Mapping[str, int], log: LoadLog) -> None:
    """Give the globals that a statement assigned, and that are named like sizes, the sizes asked for."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            name = getattr(part, "id", "")
            size = sizes.get(size_hint(name) or "")
            if size and type(names.get(name)) is int and names[name] > 0:
                log.note(f"The global {name} = {names[name]} was set to {size}.")
                names[name] = size


class Neighbours(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that lie next to a target, and loads their definitions alone."""

    def __init__(self, roots: Sequence[Path], sizes: Mapping[str, int], log: LoadLog, run: Fill) -> None:
        self._roots = roots
        self._sizes = sizes
        self._log = log
        self._run = run
        self.loaded: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a file or package below one of the roots."""
        for root in self._roots:
            place = root.joinpath(*fullname.split("."))
            for file, package in ((place / "__init__.py", True), (place.with_suffix(".py"), False)):
                if file.is_file():
                    return self._spec(fullname, file, package=package)
            if place.is_dir() and any(place.glob("*.py")):
                return self._spec(fullname, place, package=True)
        return None

    def _spec(self, fullname: str, file: Path, *, package: bool) -> importlib.machinery.ModuleSpec:
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=str(file), is_package=package)
        if package:
            spec.submodule_search_locations = [str(file if file.is_dir() else file.parent)]
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """Leave it to the import system."""
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module's file, as far as it is run."""
        self.loaded.append(module.__name__)
        file = Path(str(module.__spec__.origin)) if module.__spec__ is not None else None
        if file is None or file.is_dir():
            return
        module.__file__ = str(file)
        try:
            pieces, complaints = pieces_of(file)
        except UsageError as error:
            raise ImportError(str(error)) from error
        for complaint in complaints:
            self._log.note(f"Left out, since it isn't Python: {complaint}.")
        self._run(module, pieces, self._sizes, self._log)


@contextmanager
def neighbours(
    roots: Sequence[Path], sizes: Mapping[str, int], log: LoadLog, run: Fill = fill
) -> Iterator[Neighbours]:
    """Let imports in the block find what lies below `roots`, by its definitions or by all that `run` runs of it."""
    finder = Neighbours(roots, sizes, log, run)
    hidden = {}
    there = {path.stem for root in roots for path in root.glob("*")} - {"conformance", "refrnn"}
    for name in [name for name in sys.modules if name.partition(".")[0] in there]:
        if finder.find_spec(name) is not None:
            hidden[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, finder)
    seeded()
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)
        for name in finder.loaded:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)
