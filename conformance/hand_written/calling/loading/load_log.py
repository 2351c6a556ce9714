"""What happens while foreign code is loaded: single statements run, and what is told of it."""

import ast
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from conformance.errors import in_words
from conformance.hand_written.calling.loading.source import Piece
from conformance.hand_written.calling.running.guard import Refused
from conformance.hand_written.calling.running.limits import TookTooLong


@dataclass(slots=True)
class LoadLog:
    """What happened while definitions were loaded, in sentences, and the files whose code is foreign."""

    notes: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def skipped(self, statements: int) -> None:
        """Tell how many statements were not run, if any."""
        if statements:
            were = "statement was" if statements == 1 else "statements were"
            self.note(f"{statements} top-level {were} not run (training, printing, plotting, reading).")


def run_statement(
    node: ast.stmt,
    piece: Piece,
    names: dict[str, object],
    log: LoadLog,
    limit: AbstractContextManager[None] | None = None,
) -> bool:
    """Run one top-level statement of `piece` in `names`; what raises is left out and told.

    Returns whether it ended within `limit`.
    """
    if isinstance(node, ast.ImportFrom) and node.level and not names.get("__package__"):
        node = _absolute(node)
    code = compile(ast.Module(body=[node], type_ignores=[]), piece.file, "exec")
    try:
        with limit or nullcontext():
            exec(code, names)
    except KeyboardInterrupt:
        raise
    except Refused:
        pass  # the guard tells it
    except (Exception, SystemExit, TookTooLong) as error:
        log.note(f"{piece.file}:{node.lineno} was left out: {in_words(error)[:150]}")
        return not isinstance(error, TookTooLong)
    return True


def _absolute(node: ast.ImportFrom) -> ast.stmt:
    """Turn a relative import in a file without a package into one of what lies next to it."""
    if node.module is None:
        return ast.copy_location(ast.Import(names=node.names), node)
    return ast.copy_location(ast.ImportFrom(module=node.module, names=node.names, level=0), node)
