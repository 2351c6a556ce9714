"""`Fault`: one named mistake in a hand-written network, in words and as a choice at a seam."""

from collections.abc import Mapping

from msgspec import Struct


class Fault(Struct, frozen=True, kw_only=True):
    """One entry of the catalogue.

    Attributes
    ----------
    id
        A stable, readable name.
    name
        The mistake in one sentence.
    effect
        What it does to the maths.
    mend
        The line that mends it.
    idiom
        The code in which it usually hides.
    seam, choice
        The field of `Choices` at which the network goes wrong, and what it chooses there.
    also
        Other seams at which the same mistake shows, with their choices.
    perhaps
        Seams at which it may show as well, depending on how the code is written; the mutant is right there.
    """

    id: str
    name: str
    effect: str
    mend: str
    idiom: str
    seam: str
    choice: str
    also: tuple[tuple[str, str], ...] = ()
    perhaps: tuple[tuple[str, str], ...] = ()

    @property
    def choices(self) -> Mapping[str, str]:
        """Every seam at which the network goes wrong, with what it chooses there."""
        return {self.seam: self.choice, **dict(self.also)}
