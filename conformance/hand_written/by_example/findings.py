"""What an update comes to, held against a loss, and how that is told."""

from typing import Literal

from msgspec import Struct


class ByItsLoss(Struct, frozen=True, kw_only=True):
    """What an update came to, held against a loss.

    Attributes
    ----------
    verdict
        "right", "wrong", or "open" where nothing can be said.
    loss
        What the loss is, in words; "" where it isn't known.
    right, wrong, idle
        The parameters whose gradient is right, wrong, or was not exercised, by their paths.
    notes
        What else is to be told, in sentences; of what is open, why.
    denied
        The losses that the update of an open step is clearly no gradient of.
    ends
        After how many events a whole step begins, as its update is over or the one before is; 0 where neither is known.
    moved, still
        The parameters that the step changes, and the arrays that don't change for several more steps either.
    """

    verdict: Literal["right", "wrong", "open"]
    loss: str = ""
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    ends: int = 0
    moved: tuple[str, ...] = ()
    still: tuple[str, ...] = ()

    @property
    def by_no_loss(self) -> bool:
        """Whether it is held against no loss: a gradient of its outputs that it computed itself, or symmetry alone."""
        return not self.loss or self.loss.startswith("⟨")


OPEN = ByItsLoss(verdict="open")

UPHILL = "It goes uphill: along the gradient of its loss."

UP_ITS_LOSS = "its updates go uphill, along the gradient of what it calls its loss"

OF_ANOTHER = "its updates are gradients of one function, and not of the loss that it computes"

BY_ANOTHER_RULE = (
    "some of its parameters go by their gradients, and others by a rule of their own that isn't known"
)

RATES_OF_THEIR_OWN = "some of its parameters have rates of their own, which no limit on norms gives"

OTHERWISE_ELSEWHERE = (
    "where its parameters are larger, or one word stands everywhere, its updates aren't gradients of the loss that it "
    "computes"
)

WITH_ANOTHER_NUMBER = "is another number, its updates aren't gradients of the loss that it computes"
"""How the note ends that begins with a setting."""

REMEMBER = "is updated by what earlier steps left, though others aren't"
"""How the note ends that begins with arrays."""

STAYS = "stays as it is, though others beside it move"
"""How the note ends that begins with an array."""

UNSURE = "may be a parameter or a state, and as a parameter it doesn't move by the gradient of its loss"
"""How the note ends that begins with arrays."""

OF_NONE = "its updates are gradients of no function, whose second derivatives would be symmetric"
