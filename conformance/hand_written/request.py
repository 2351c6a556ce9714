"""What was asked, and the answers that need no judging: nothing heavy is imported here."""

import json
from collections.abc import Sequence

from msgspec import Struct, to_builtins

from conformance.errors import quoted
from conformance.hand_written.target import parts_of
from conformance.record.check import CHECK_SCHEMA, CheckRecord, InterfaceRecord

MEND_FLAGS = {None: "", True: " --mend", False: " --no-mend"}
"""How the command line is told whether a patch is looked for."""


MENDING = "mending it"
"""What a check says it does last: it searches for a patch, and all else is known."""


class Request(Struct, frozen=True, kw_only=True):
    """What was asked for, as a reader writes it: the target, and the line that asks again."""

    target: str
    reproduce: str
    mend: bool | None = (
        None  # whether a patch is looked for as well; None where that takes no longer than the check
    )

    @classmethod
    def on_the_command_line(
        cls, target: str, case: str = "", *, execute: bool = False, mend: bool | None = None
    ) -> "Request":
        """Return what `conformance check` is asked by these arguments."""
        flags = f"{' --execute' if execute else ''}{MEND_FLAGS[mend]}"
        asked = " ".join(map(quoted, parts_of(target)))
        options = (f" --case {case}" if case else "") + flags
        return cls(target=target, reproduce=f"conformance check {asked}{options}", mend=mend)


class Question(Struct, frozen=True, kw_only=True):
    """What a process is asked to check: a target, a case ("" for the one that it admits), and within what limits."""

    target: str
    case: str
    seconds: float
    execute: bool
    mend: bool | None

    @property
    def request(self) -> Request:
        """The same as a reader writes it."""
        return Request.on_the_command_line(self.target, self.case, execute=self.execute, mend=self.mend)

    @property
    def line(self) -> bytes:
        """The question as a line of JSON, in which a name may be no UTF-8."""
        return json.dumps(to_builtins(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Question":
        """Return the question of a line."""
        return cls(**json.loads(line))


def not_called_record(
    request: Request, reason: str, lines: Sequence[str] = (), skeleton: str = "", notes: Sequence[str] = ()
) -> CheckRecord:
    """Return the record of a target that nobody found out how to call: what was tried, and the skeleton to fill in.

    The notes tell what was left out when it was loaded.
    """
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=request.target,
        verdict="not-called",
        headline=reason,
        interface=InterfaceRecord(lines=list(lines), adapter=skeleton),
        notes=list(notes),
        reproduce=request.reproduce,
    )


def out_of_time_record(request: Request, how_far: str) -> CheckRecord:
    """Return the record of a target that was ended by a limit in time; a sentence tells how far it had come."""
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=request.target,
        verdict="out-of-time",
        headline=how_far,
        reproduce=request.reproduce,
    )


def failed_record(request: Request, reason: str, notes: Sequence[str] = ()) -> CheckRecord:
    """Return the record of a target that gave nothing to judge, for a `reason` told as a sentence."""
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=request.target,
        verdict="failed",
        headline=reason,
        notes=list(notes),
        reproduce=request.reproduce,
    )
