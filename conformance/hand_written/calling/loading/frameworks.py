"""Which libraries a target computes with: an adapter or a torch module needs the real ones, code in NumPy needs none.

Importing torch, tensorflow or jax costs seconds, and hand-written code in NumPy often imports them just to compare. So
what a target is, is read from its source before anything of it runs: its classes, and what they inherit from here, in
files next to it, or from a library.
"""

import ast
import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from conformance.errors import UsageError
from conformance.hand_written.calling.loading.source import Piece, pieces_of

Kind = Literal["adapter", "module", "numpy", "script"]
"""What is run: something with `run(problem)` or a `handwritten` statement, a torch module, neither; a whole script."""

COMPUTING = frozenset(["torch", "torchvision", "tensorflow", "keras", "jax"])
"""Libraries whose arrays networks are computed with, and that take seconds to import."""


def kind_of(pieces: Sequence[Piece], wanted: Sequence[str], folders: Sequence[Path]) -> Kind:
    """Return what a target is whose source is `pieces`; what it imports is looked for in `folders`."""
    source = Source.of([piece.tree for piece in pieces], folders)
    names = [*source.classes, *(name.partition(".")[0] for name in wanted if name in source.imported)]
    ancestry = [parent for name in names for parent in source.ancestry(name)]
    if any(_runs_problems(parent) for parent in ancestry if isinstance(parent, ast.ClassDef)):
        return "adapter"
    if any(_states_how_it_is_called(piece.tree) for piece in pieces):
        return "adapter"
    libraries = [parent for parent in ancestry if isinstance(parent, str)]
    libraries += [source.full_name(call) for name in wanted if (call := source.made.get(name)) is not None]
    return "module" if any(map(_is_of_torch, libraries)) else "numpy"


def import_computing(pieces: Sequence[Piece]) -> None:
    """Import the libraries to compute with that `pieces` name, before anything is made up for what isn't installed."""
    named = {module.partition(".")[0] for piece in pieces for module in _modules(piece.tree)}
    for name in sorted(named & COMPUTING):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


class Source(Struct):
    """What one file defines and imports, by name.

    Attributes
    ----------
    classes
        Its classes.
    imported
        Where each imported name comes from: `torch.nn` of `import torch.nn as nn`, `net.Net` of `from net import Net`.
    made
        The calls by which variables at top level are made.
    """

    folders: Sequence[Path]
    file: str = ""
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    made: dict[str, ast.expr] = field(default_factory=dict)

    @classmethod
    def of(cls, trees: Sequence[ast.Module], folders: Sequence[Path], file: str = "") -> "Source":
        """Read some trees as one source, that of `file` where it isn't the target's own."""
        source = cls(folders, file)
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.ClassDef):
                source.classes[node.name] = node
            elif isinstance(node, ast.Import):
                source.imported |= {
                    a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                    for a in node.names
                }
            elif isinstance(node, ast.ImportFrom):
                prefix = f"{node.module}." if node.module else ""
                source.imported |= {a.asname or a.name: f"{prefix}{a.name}" for a in node.names}
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                source.made |= {t.id: node.value.func for t in node.targets if isinstance(t, ast.Name)}
        return source

    def full_name(self, expression: ast.expr) -> str:
        """Return what an expression such as `nn.Module` is called in full, "" where it isn't a name."""
        parts = ast.unparse(expression).split(".")
        if not all(part.isidentifier() for part in parts):
            return ""
        return ".".join([self.imported.get(parts[0], parts[0]), *parts[1:]])

    def ancestry(
        self, name: str, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[ast.ClassDef | str]:
        """Yield a class and all that it inherits from: classes whose source is at hand, names of the others in full."""
        if (self.file, name) in seen:
            return
        seen |= {(self.file, name)}
        if name not in self.classes:
            yield from self._elsewhere(self.imported.get(name, name), seen)
            return
        yield self.classes[name]
        for base in self.classes[name].bases:
            full = self.full_name(base)
            yield from self.ancestry(full, seen) if full in self.classes else self._elsewhere(full, seen)

    def _elsewhere(self, full: str, seen: frozenset[tuple[str, str]]) -> Iterator[ast.ClassDef | str]:
        """Yield the ancestry of a class of another file, or just its name where that isn't at hand."""
        module, _, name = full.rpartition(".")
        places = [folder.joinpath(*module.split(".")) for folder in self.folders if module]
        files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
        file = next((file for file in files if file.is_file()), None)
        try:
            pieces = [] if file is None else pieces_of(file)[0]
        except UsageError:  # what can't be read is told when it is imported
            pieces = []
        if pieces:
            other = Source.of([piece.tree for piece in pieces], self.folders, str(file))
            yield from other.ancestry(name, seen)
        else:
            yield full


def _is_of_torch(full: str) -> bool:
    """Tell the names of modules: those of torch itself, and those of a library that is built on it."""
    return full.startswith("torch.nn.") or full.endswith("Module")


def _runs_problems(kind: ast.ClassDef) -> bool:
    """Tell a class with `run(problem)`, which says itself how it is called."""
    return any(
        isinstance(node, ast.FunctionDef)
        and node.name == "run"
        and [argument.arg for argument in node.args.args] in (["problem"], ["self", "problem"])
        for node in kind.body
    )


def _states_how_it_is_called(tree: ast.Module) -> bool:
    """Tell the source of an adapter that calls `handwritten`."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(called).rpartition(".")[2] == "handwritten" for called in calls)


def _modules(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a source imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
