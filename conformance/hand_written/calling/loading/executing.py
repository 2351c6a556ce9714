"""A script run as it stands, for what only its top-level statements make: data read, vocabularies, trained weights."""

import ast
import os
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance.hand_written.calling.loading.load_log import LoadLog, run_statement
from conformance.hand_written.calling.loading.source import Piece
from conformance.hand_written.calling.running.effects import harmless_open


def executed(path: Path, package: str, pieces: Sequence[Piece], log: LoadLog) -> dict[str, object]:
    """Run every statement of `pieces` once, in the folder of their file, and return the variables that are left.

    Statements may take as long as they like; what raises is left out and told. What is opened for writing is kept in
    memory, as wherever code is loaded. Classes and functions are not returned: they belong to the script's own run.
    """
    script = types.ModuleType("__main__")
    names = vars(script)
    names.update(__file__=str(path), __package__=package, open=harmless_open)
    with started_as(path):
        for piece in pieces:
            for node in piece.tree.body:
                run_statement(node, piece, names, log)
    own = {node.name for piece in pieces for node in ast.walk(piece.tree) if isinstance(node, DEFINITIONS)}
    return {name: value for name, value in names.items() if name not in own and name[:2] != "__"}


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@contextmanager
def started_as(path: Path) -> Iterator[None]:
    """Let the block run in the folder of `path`, with no arguments on its command line."""
    folder, arguments = Path.cwd(), sys.argv
    os.chdir(path.parent)
    sys.argv = [str(path)]
    try:
        yield
    finally:
        sys.argv = arguments
        os.chdir(folder)
