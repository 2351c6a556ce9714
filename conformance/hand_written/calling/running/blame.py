"""What an error says of a call: in which line of ours it ended, and which argument the code can't do with."""

import dis
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from types import CodeType, TracebackType

from msgspec import Struct

from conformance.hand_written.calling.running.program import Ran
from conformance.hand_written.calling.running.watch import ADAPTER


def ended_within(error: BaseException | None, lines: tuple[str, ...]) -> bool:
    """Tell whether a run ended in the first of our own lines, `lines`, before it came to any after them."""
    ours = [trace.tb_lineno for trace in _traces(error) if trace.tb_frame.f_code.co_filename == ADAPTER]
    return bool(ours) and ours[0] <= sum(line.count("\n") + 1 for line in lines)


def blamed(ran: Ran) -> str:
    """Return the parameter of a foreign function that lacked an attribute which it wanted of what that was handed.

    No choice of the other arguments gives it to it. Empty where there is none, or where several were handed the same.
    """
    lacking = ran.error.obj if isinstance(ran.error, AttributeError) else None
    if lacking is None or not any(each is lacking for each in ran.handed):
        return ""
    theirs = _called(ran.error)
    found = [] if theirs is None else [n for n, v in theirs.tb_frame.f_locals.items() if v is lacking]
    return found[0] if len(found) == 1 else ""


class Ending(Struct, frozen=True, kw_only=True):
    """How a call of a foreign function failed: in which of its lines, which read which names, and with what words."""

    line: int
    read: frozenset[str]
    words: str

    @property
    def wants_integers(self) -> bool:
        """Whether something was to be an integer and was none, in the words of Python and of NumPy."""
        return "integer" in self.words


def ending(error: BaseException | None) -> Ending | None:
    """Return how a call failed, None where it didn't, or failed before it came to any line of the function."""
    trace = _called(error)
    if trace is None:
        return None
    code, line = trace.tb_frame.f_code, trace.tb_lineno
    return Ending(line=line, read=_read_in(code, line), words=f"{type(error).__name__}: {error}")


@lru_cache(maxsize=200)
def _read_in(code: CodeType, line: int) -> frozenset[str]:
    """Return the names that are read in a line of some code."""
    instructions = (
        each
        for each in dis.get_instructions(code)
        if each.positions is not None and each.positions.lineno == line
    )
    return frozenset(str(each.argval) for each in instructions if each.opname.startswith("LOAD_"))


def _called(error: BaseException | None) -> TracebackType | None:
    """Return the frame of the foreign function that a line of ours called."""
    for ours, theirs in pairwise(_traces(error)):
        if ours.tb_frame.f_code.co_filename == ADAPTER:
            return theirs
    return None


def _traces(error: BaseException | None) -> Iterator[TracebackType]:
    """Yield the frames that an error went through, the outermost first."""
    trace = None if error is None else error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next
