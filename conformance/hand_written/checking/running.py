"""Running foreign code once: what it showed, or how it failed, told in a sentence with the line that did it."""

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct, field

from conformance.errors import Unsupported
from conformance.hand_written.calling.running.limits import TookTooLong
from conformance.hand_written.calling.running.program import describe_error

A = TypeVar("A")
R = TypeVar("R")


class Failure(Struct, frozen=True):
    """A run that gave nothing: why, and whether that was a refusal rather than a mishap, or a limit in time."""

    reason: str
    refused: bool = False
    late: bool = False


class CaughtWarnings(Struct):
    """What foreign code said by warnings while it ran, each message once."""

    messages: dict[str, None] = field(default_factory=dict)

    def add(self, caught: Sequence[warnings.WarningMessage]) -> None:
        """Keep the messages of some warnings."""
        self.messages.update(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))


def attempt(function: Callable[[A], R], argument: A, caught: CaughtWarnings | None = None) -> R | Failure:
    """Return what foreign code gives for `argument`, or how it failed; its warnings go to `caught`."""
    with warnings.catch_warnings(record=True) as recorded, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            return function(argument)
        except Unsupported as reason:
            return Failure(str(reason), refused=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - code that calls sys.exit() must not end the check
            return Failure(describe_error(error), late=isinstance(error, TookTooLong))
        finally:
            if caught is not None:
                caught.add(recorded)
