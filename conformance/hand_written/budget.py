"""Budgets of work: what is given up is given up at the same point on any machine, since nothing is timed."""

import math

from msgspec import Struct


class Budget(Struct, kw_only=True):
    """So much work, counted in units of the one who does it: calls, loops, candidates.

    Attributes
    ----------
    most
        How much may be done.
    spent
        How much was done.
    whole
        The budget that this one is a part of: what is spent here is spent there as well.

    Examples
    --------
    >>> whole = Budget(most=10)
    >>> part = whole.part(4)
    >>> part.spend(3)
    >>> (part.left, whole.left, part.over)
    (1, 7, False)
    """

    most: float = math.inf
    spent: int = 0
    whole: "Budget | None" = None

    @property
    def left(self) -> float:
        """How much may still be done, here and in the whole."""
        own = self.most - self.spent
        return own if self.whole is None else min(own, self.whole.left)

    @property
    def over(self) -> bool:
        """Whether nothing more may be done."""
        return self.left <= 0

    def spend(self, work: int = 1) -> None:
        """Note that so much was done."""
        self.spent += work
        if self.whole is not None:
            self.whole.spend(work)

    def part(self, most: float) -> "Budget":
        """Return a budget of at most so much, which is spent from this one."""
        return Budget(most=most, whole=self)
