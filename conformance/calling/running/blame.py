"""What an error says of a call: in which line of ours it ended, and which argument lacked what the code wanted."""

from collections.abc import Iterator
from itertools import pairwise
from types import TracebackType

from conformance.calling.running.program import Ran
from conformance.calling.running.watch import ADAPTER


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
    for ours, theirs in pairwise(_traces(ran.error)):
        if ours.tb_frame.f_code.co_filename == ADAPTER:
            found = [name for name, value in theirs.tb_frame.f_locals.items() if value is lacking]
            return found[0] if len(found) == 1 else ""
    return ""


def _traces(error: BaseException | None) -> Iterator[TracebackType]:
    """Yield the frames that an error went through, the outermost first."""
    trace = None if error is None else error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next
