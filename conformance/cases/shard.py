"""Shards: a run split over machines by case id, so that a case stays in its shard when the suite changes."""

import hashlib
import re

from msgspec import Struct

from conformance.cases.case import Case
from conformance.errors import UsageError


class Shard(Struct, frozen=True):
    """The `index`-th (from 1) of `count` shards."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard that `text`, such as "2/5", means.

        Raises
        ------
        UsageError
            If it isn't two whole numbers with 1 ≤ index ≤ count.

        Examples
        --------
        >>> Shard.parse("2/5")
        Shard(index=2, count=5)
        """
        match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
        if match is None or int(match[1]) > int(match[2]):
            message = f"A shard is written i/n with 1 ≤ i ≤ n, such as 2/5; got {text!r}."
            raise UsageError(message)
        return cls(int(match[1]), int(match[2]))

    def has(self, case: Case) -> bool:
        """Return whether `case` belongs to this shard: by a digest of its id alone."""
        digest = hashlib.sha256(f"shard of {case.id}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
