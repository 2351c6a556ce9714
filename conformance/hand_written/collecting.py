"""What several arguments of a check mean: the networks of files and folders, found by what they define.

Nothing is run. A network multiplies by weights, goes through time in a loop (or is called a cell), and has a pass that
is called like one; how to call it is found out later, by trying.
"""

import ast
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from conformance.errors import UsageError
from conformance.hand_written.calling.hints.names import BACKWARD, FORWARD, LOSS
from conformance.hand_written.calling.loading.source import Piece, pieces_of
from conformance.hand_written.target import SOURCES, Target, located

PRODUCTS = frozenset({"dot", "matmul", "einsum", "mm", "bmm", "addmm", "inner", "Linear", "linear"})
"""Functions that multiply by weights, and modules that do."""

CELLS = ("rnn", "cell", "recurrent", "lstm", "gru", "elman")
"""Parts of names of what takes one step, and leaves the loop to its caller."""

LEFT_OUT = ("__pycache__", "build", "dist", "node_modules", "site-packages", "venv")
"""Folders that hold nobody's own code; so do those whose names begin with a dot."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def collected(arguments: Sequence[str]) -> list[str]:
    """Return the targets that some arguments mean, each of them one network.

    Functions that are named in several places are one network together, unless a forward and a backward pass are named
    in one. A folder stands for all networks in its files, which come last; so does a file that holds several.

    Raises
    ------
    NoSuchTarget
        If there is no such file.
    """
    folders = [argument for argument in arguments if Path(argument).is_dir()]
    named = [argument for argument in arguments if argument not in folders]
    found = [target for folder in folders for target in networks_under(Path(folder))]
    together = [argument for argument in named if not _stands_alone(argument)]
    alone = [each for argument in named if _stands_alone(argument) for each in _each_in(argument)]
    return list(dict.fromkeys([*alone, *([" ".join(together)] if together else []), *found]))


def networks_under(folder: Path) -> Iterator[str]:
    """Yield the targets of all networks under a folder, by their paths; what isn't Python is passed over."""
    for path in sources_under(folder):
        try:
            pieces, _ = pieces_of(path)
        except UsageError:
            continue
        yield from (f"{path}:{name}" if name else str(path) for name in networks_in(pieces))


def sources_under(folder: Path) -> Iterator[Path]:
    """Yield the source files under a folder, in the order of their paths."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in LEFT_OUT)
        yield from (Path(here, name) for name in sorted(files) if name.lower().endswith(SOURCES))


def networks_in(pieces: Iterable[Piece]) -> list[str]:
    """Return the name of each class that is a network, and the names of functions that are one, all of them together.

    These are "" where there is no class, and those that no class calls where there is.
    """
    statements = [statement for piece in pieces for statement in piece.tree.body]
    defined = [s for s in statements if isinstance(s, ast.ClassDef)]
    multiplying = _that_multiply(defined)
    classes = [made for made in defined if made.name in multiplying and _is_network(made)]
    called = {_called(node) for made in classes for node in ast.walk(made)}
    passes = [s for s in statements if isinstance(s, Function) and _is_pass(s) and _multiplies(s)]
    passes = [function for function in passes if function.name not in called]
    found = list(dict.fromkeys(made.name for made in classes))
    if not any(_goes_through_time(f) or BACKWARD.fullmatch(f.name) for f in passes):
        return found
    return [*found, ",".join(dict.fromkeys(function.name for function in passes))] if found else [""]


def _each_in(argument: str) -> list[str]:
    """Return the targets of all networks in a file or module that is named as a whole, where there are several."""
    target = Target.parse(argument)
    if target.names:
        return [argument]
    try:
        names = networks_in(pieces_of(located(target)[0])[0])
    except UsageError:
        return [argument]  # the check of it tells why
    return [f"{argument}:{name}" for name in names] if len(names) > 1 else [argument]


def _stands_alone(argument: str) -> bool:
    """Return whether an argument is a network by itself: a whole file, a class in it, or both passes."""
    target = Target.parse(argument)
    if not target.names:
        return True
    path, _, _ = located(target)
    classes = {s.name for piece in pieces_of(path)[0] for s in piece.tree.body if isinstance(s, ast.ClassDef)}
    if {name.partition(".")[0] for name in target.names} <= classes:
        return True
    return all(any(pattern.fullmatch(name) for name in target.names) for pattern in (FORWARD, BACKWARD))


def _is_network(made: ast.ClassDef) -> bool:
    passes = [s for s in made.body if isinstance(s, Function) and (_is_pass(s) or s.name == "__call__")]
    return bool(passes) and (_goes_through_time(made) or _is_cell(made.name))


def _that_multiply(classes: Sequence[ast.ClassDef]) -> set[str]:
    """Return the names of classes in which matrices are multiplied, or in one that they speak of: a cell, a base."""
    found = {made.name for made in classes if _multiplies(made)}
    spoken = {made.name: {n.id for n in ast.walk(made) if isinstance(n, ast.Name)} for made in classes}
    while more := {name for name, names in spoken.items() if name not in found and names & found}:
        found |= more
    return found


def _is_pass(function: Function) -> bool:
    return any(pattern.fullmatch(function.name) for pattern in (FORWARD, BACKWARD, LOSS))


def _is_cell(name: str) -> bool:
    return any(part in name.lower() for part in CELLS)


def _multiplies(code: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)) or _called(node) in PRODUCTS
        for node in ast.walk(code)
    )


def _called(node: ast.AST) -> str:
    """Return the last name of what a node calls, empty where it calls nothing by name."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _goes_through_time(code: ast.AST) -> bool:
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
    return any(isinstance(node, loops) for node in ast.walk(code))
