"""Subjects of somebody's own, named by their place: `file.py:Name` or `package.module:Name`.

What stands there is a subject, a class of them, or a hand-written network that `conformance.handwritten` describes, as
`conformance init` writes it. A file is run as Python runs it when it is imported, once a process.
"""

import ast
import hashlib
import re
import sys
from functools import lru_cache
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from msgspec import Struct

from conformance.cases import Problem
from conformance.errors import UsageError, in_words
from conformance.subjects.observation import Observation, Subject

PLACE = re.compile(r"(?:.+\.py|[^\W\d]\w*(?:\.[^\W\d]\w*)*):[^\W\d]\w*", re.DOTALL)
"""A file or a module, and a name in it."""


class OwnSubject(Struct, frozen=True):
    """A subject under the name by which it was asked for, so that the lines which reproduce its cases work."""

    name: str
    description: str
    subject: Subject

    @property
    def library(self) -> str:
        """The library that the subject declares."""
        return getattr(self.subject, "library", "")

    def run(self, problem: Problem) -> Observation:
        """Let the subject run."""
        return self.subject.run(problem)


def is_own(name: str) -> bool:
    """Tell a place from a subject's name.

    >>> is_own("mine/my_rnn.py:Mine"), is_own("my_package.rnn:Mine"), is_own("torch"), is_own("mutant:no-bias")
    (True, True, False, False)
    """
    return PLACE.fullmatch(name) is not None


@lru_cache(maxsize=32)
def load_own(name: str) -> Subject:
    """Return the subject at a place.

    Raises
    ------
    UsageError
        If there is no such file, module or name, if it can't be imported, or if it isn't a subject.
    """
    place, _, attribute = name.rpartition(":")
    module = _module(place)
    found = getattr(module, attribute, None)
    if found is None:
        there = ", ".join(key for key, value in vars(module).items() if _is_subject(value))
        message = f"There is no {attribute!r} in {place}; its subjects are: {there or 'none'}."
        raise UsageError(message)
    if not _is_subject(found):
        message = (
            f"{name} has no method run(problem) that returns an Observation (docs/subjects.md). Of a network that "
            f"isn't a subject, `conformance init {name}` writes one."
        )
        raise UsageError(message)
    try:
        subject = found() if isinstance(found, type) else found
    except (Exception, SystemExit) as error:
        message = f"{name} can't be made without arguments: {in_words(error)}. Name an object of it instead."
        raise UsageError(message) from error
    return OwnSubject(name, getattr(subject, "description", "") or f"{attribute} of {place}", subject)


def source_digest(name: str) -> str:
    """Return a digest of the source at a place: results of another source aren't results of this subject."""
    file = getattr(_module(name.rpartition(":")[0]), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def defined_at(name: str) -> tuple[str, int]:
    """Return the file of a subject and the line in which its name is bound; ("", 0) where no file is named.

    The file is read, and not run; line 0 is no line, where the name comes from elsewhere.
    """
    place, _, attribute = name.rpartition(":")
    if not is_own(name) or not place.endswith(".py") or not Path(place).is_file():
        return "", 0
    try:
        body = ast.parse(Path(place).read_bytes()).body
    except (SyntaxError, ValueError):
        return place, 0
    return place, max((node.lineno for node in body if attribute in _bound_by(node)), default=0)


def _bound_by(node: ast.stmt) -> set[str]:
    """Return the names that a definition or an assignment binds."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _is_subject(value: object) -> bool:
    return callable(getattr(value, "run", None))


@lru_cache(maxsize=32)
def _module(place: str) -> ModuleType:
    """Import a file by its path, its folder on the path as Python would have it, or a module by its name."""
    file = Path(place) if place.endswith(".py") else None
    if file is not None and not file.is_file():
        message = f"There is no file {place}. Pass the path of a .py file, from {Path.cwd()}."
        raise UsageError(message)
    sys.path.insert(0, str(Path.cwd() if file is None else file.resolve().parent))
    try:
        return import_module(place) if file is None else _run(file)
    except (Exception, SystemExit) as error:
        message = f"{place} can't be imported: {in_words(error)}."
        raise UsageError(message) from error


def _run(file: Path) -> ModuleType:
    """Run a file as a module of its own name, or of another where that is taken."""
    name = file.stem if file.stem not in sys.modules else f"own_subject_{file.stem}"
    loader = SourceFileLoader(name, str(file))
    sys.modules[name] = module = module_from_spec(ModuleSpec(name, loader, origin=str(file)))
    module.__file__ = str(file)
    loader.exec_module(module)
    return module
