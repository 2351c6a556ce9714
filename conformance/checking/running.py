"""Running foreign code once: what it showed, or how it failed, told in a sentence with the line that did it."""

import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from conformance.cases import Problem
from conformance.checking.bound import Bound
from conformance.checking.judging import Tidied, tidied
from conformance.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that gave nothing: why, and whether that was a refusal rather than a mishap."""

    reason: str
    refused: bool = False


@dataclass(slots=True)
class Said:
    """What foreign code said by warnings while it ran, each message once."""

    messages: dict[str, None] = field(default_factory=dict)

    def add(self, caught: Sequence[warnings.WarningMessage]) -> None:
        """Keep the messages of some warnings."""
        self.messages.update(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))


def run(bound: Bound, problem: Problem, said: Said) -> Tidied | Failure:
    """Run `bound` on `problem`; whatever it does, the answer is one of the two."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            return tidied(problem, bound.run(problem))
        except Unsupported as reason:
            return Failure(str(reason), refused=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - code that calls sys.exit() must not end the check
            return Failure(told(error))
        finally:
            said.add(caught)


def told(error: BaseException) -> str:
    """Return an exception in one sentence: what it is, and the innermost line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f", at {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
    text = f"{type(error).__name__}: {error}{where}"
    return text.encode("utf-8", "backslashreplace").decode()
