"""`Diagnosis`: the smallest set of faults that reproduces what a network showed, or what is known where none does."""

from collections.abc import Mapping

from msgspec import Struct, field

from conformance.faults import Choices

FaultId = str


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What a search came to.

    Attributes
    ----------
    explained
        Whether `faults` with `scale` reproduce every gradient that was shown.
    faults
        The ids of the smallest such set in the order of the catalogue; empty for right code, and where none fits.
    equivalents
        Other sets of the same size that no admissible problem separates from it.
    scale, scale_name
        The constant on all gradients, and the sizes that make it ("1/T", "T·O/2"); empty for a plain number.
    residual
        How far the reproduction is from what was shown, in units of its noise; None where nothing fits.
    nearest_miss
        How far the next best set is, in the same units; None where none was tried.
    by_parameter
        For each parameter whose gradient tells another story than the rest, the faults that reproduce it alone.
    known
        What is known in sentences: about a fault's extent, or about what is wrong where nothing fits.
    choices
        The network that reproduces it; None where nothing does.
    forward
        Where nothing does, the wrong forward pass that reproduces what was shown of that pass; None where none does.
    """

    explained: bool
    faults: tuple[FaultId, ...] = ()
    equivalents: tuple[tuple[FaultId, ...], ...] = ()
    scale: float = 1.0
    scale_name: str = "1"
    residual: float | None = None
    nearest_miss: float | None = None
    by_parameter: Mapping[str, tuple[FaultId, ...]] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    choices: Choices | None = None
    forward: Choices | None = None


class Suspect(Struct, frozen=True, kw_only=True):
    """A line of the source in which a fault may hide.

    `mended` is the line rewritten, empty where no sure rewrite is known. It is a guess unless `verified`: then the line
    was mended in memory, and the network run again no longer had the fault.
    """

    fault: FaultId
    file: str
    line: int
    text: str
    mended: str = ""
    verified: bool = False
