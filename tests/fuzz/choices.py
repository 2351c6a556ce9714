"""Bytes from a fuzzer, read as choices: each byte decides something, and what is missing is decided as 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

T = TypeVar("T")

LONGEST_REFUSAL = 5000
"""Characters that someone reads."""


class Outcome(Enum):
    """How an input ended."""

    REFUSED = "refused with a documented error"
    RIGHT = "right answer"


def refused(refusal: Exception) -> Outcome:
    """Return how an input ended that was refused, once it is sure that someone could read why."""
    assert 0 < len(str(refusal).strip()) < LONGEST_REFUSAL, f"{refusal!r} tells nothing, or too much"
    return Outcome.REFUSED


@dataclass(slots=True)
class Choices:
    """Decisions that bytes make, one after the other."""

    data: bytes
    place: int = 0

    def byte(self) -> int:
        """Return the next byte, 0 where there is none left."""
        self.place += 1
        return self.data[self.place - 1] if self.place <= len(self.data) else 0

    def below(self, count: int) -> int:
        """Return a number from 0 to count − 1, for counts up to 65,536."""
        return (self.byte() if count <= 256 else self.byte() * 256 + self.byte()) % count

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of some options."""
        return options[self.below(len(options))]

    def now_and_then(self, one_in: int) -> bool:
        """Return True once in so many times; False where the bytes have ended."""
        return self.below(one_in) == one_in - 1

    def text(self, most: int) -> str:
        """Return up to so many characters, of all kinds."""
        size = self.below(most + 1)
        taken, self.place = self.data[self.place : self.place + size], self.place + size
        return taken.decode("utf-8", "replace")

    def rest(self) -> bytes:
        """Return the bytes that nothing was decided by."""
        return self.data[self.place :]
