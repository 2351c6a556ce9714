"""What is told of a target that nobody found out how to call: what it wants, where it is called, how to say it."""

import ast
import linecache
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.errors import UsageError, quoted
from conformance.hand_written.by_example.drivers import drivers_of
from conformance.hand_written.calling import Loaded, Unbound
from conformance.hand_written.calling.building.construct import classes
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Parameter, parameters_of
from conformance.hand_written.calling.hints.sources import nodes_in
from conformance.hand_written.calling.loading.load import own_names
from conformance.hand_written.calling.loading.source import pieces_of
from conformance.hand_written.request import Request, not_called_record
from conformance.hand_written.target import Target, located, parts_of
from conformance.record.check import CheckRecord

MOST_SHOWN = 3
"""Files, or parameters, that are told one by one."""


def not_called(loaded: Loaded, unbound: Unbound | None, request: Request) -> CheckRecord:
    """Return the record of a target that nobody found out how to call: what it wants first, then how far trials got."""
    attempts = () if unbound is None else unbound.attempts
    lines = [f"{a.what}: {a.reached}; {a.problem}" for a in attempts]
    subject = next(iter((*loaded.wanted, *classes(loaded), *own_names(loaded))), "")
    if not subject:
        reason = (
            "There is nothing to call: it defines no class and no function, and other statements are not run."
        )
        return not_called_record(request, reason, lines, "", loaded.notes)
    told = [
        f"{request.target}: no way of calling it was found.",
        *_wanted(loaded, subject),
        _calls(loaded, subject),
    ]
    asks = "conformance init " + " ".join(map(quoted, parts_of(request.target)))
    told.append(f"The statement below says it once its gaps are filled; `{asks}` writes it to a file.")
    return not_called_record(
        request, " ".join(told), lines, "" if unbound is None else unbound.skeleton, loaded.notes
    )


def _wanted(loaded: Loaded, subject: str) -> Iterator[str]:
    """Yield what arguments without a default want that a name or a size doesn't say: `x` is indexed like an array."""
    parameters = parameters_of(getattr(loaded.code, subject.partition(".")[0])) or []
    unclear = [q for q in parameters if q.required and names.size_hint(q.name.strip("_")) is None]
    wants = [f"`{q.name}` {use}" for q in unclear if (use := _use(q))]
    others = ", \u2026" if len(parameters) > len(unclear) else ""
    if wants:
        arguments = ", ".join(q.name for q in unclear)
        yield f"{subject}({arguments}{others}): {', '.join(wants[:MOST_SHOWN])}."


def _use(parameter: Parameter) -> str:
    """Return in words how a function uses a parameter."""
    if parameter.held:
        return f"is asked for {', '.join(path.lstrip('.') for path, _ in parameter.held[:MOST_SHOWN])}"
    if parameter.methods:
        return "has methods of it called"
    if parameter.counted:
        return "is asked for its length alone"
    if parameter.parts:
        return f"is taken apart into {', '.join(parameter.parts)}"
    if parameter.indexes:
        return "holds indices"
    return "is indexed like an array" if parameter.walked or parameter.indexed else ""


def _calls(loaded: Loaded, subject: str) -> str:
    """Tell the first call of a name in the files that may have one, or that there is none in them."""
    name, files = subject.rpartition(".")[2], _files(loaded)
    for file in files:
        for node in nodes_in("".join(linecache.getlines(file))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
                return f"{Path(file).name}:{node.lineno} calls {ast.unparse(node)}."
    return f"No call of {name} was found in {', '.join(Path(file).name for file in files[:MOST_SHOWN])}."


def _files(loaded: Loaded) -> Sequence[str]:
    """Return the files of a target, and those of scripts that use it."""
    try:
        target = Target.parse(parts_of(loaded.target)[0])
        path, _, _ = located(target)
        drivers = list(drivers_of(target, path, pieces_of(path)[0]))
    except UsageError:  # of a live object there is no file
        drivers = []
    return list(dict.fromkeys([*sorted(loaded.files), *(piece.file for d in drivers for piece in d.pieces)]))
