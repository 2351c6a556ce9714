"""The known truth about every subject of the gallery, as `truth.toml` tells it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.hand_written.target import Target

TRUTH = Path(__file__).parent / "truth.toml"

VERDICTS = (
    "conforms",
    "conforms up to a constant",
    "differs",
    "forward differs",
    "no backward",
    "raises",
    "not Elman: consistent",
    "not Elman: inconsistent",
    "not called",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """One fault: its id in the catalogue, and the text that it lies in, faulty and mended.

    A fault with no id is described by `kind` in words. `also` are further places of the same fault.
    """

    id: str
    line: str
    mended: str
    also: tuple[tuple[str, str], ...] = ()

    def changes(self) -> list[dict[str, str]]:
        """Return every replacement that mends this fault."""
        pairs = ((self.line, self.mended), *self.also)
        return [{"line": line, "mended": mended} for line, mended in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is known of a subject.

    Attributes
    ----------
    name, target
        Its name in the gallery, and what `conformance check` is given, from the folder of subjects.
    driver
        The function of `gallery.drivers` that runs it, or none where nothing can be run.
    form, orientation, input, biases, start, sees, gives
        How it is written, in the words of the rows of the table of hand-written code.
    verdict
        One of `VERDICTS`.
    faults
        Its mistakes, each with what mends it. Mended of all, it is right.
    scale
        The constant between its (mended) gradients and those of the loss that its driver declares, a formula in
        T, B, I, H and O.
    sizes
        Sizes that the subject can't do without.
    remarks
        What else a report should tell, by keyword.
    contract
        What it does to its caller, by keyword: ways to be wrong from the second call on.
    raises
        The kind of the exception that it ends in.
    activation
        tanh or relu.
    closest
        For another network, what makes it another one, where the catalogue has a name for that.
    cell
        "rnn", "lstm", "gru", or "gru before" where the reset gate of that comes before the product.
    """

    name: str
    target: str
    driver: str
    form: str
    orientation: str
    input: str
    biases: str
    start: str
    sees: str
    gives: str
    verdict: str
    faults: tuple[Mend, ...] = ()
    scale: str = "1"
    sizes: dict[str, int]
    remarks: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    raises: str = ""
    activation: str = "tanh"
    closest: tuple[str, ...] = ()
    cell: str = "rnn"

    @property
    def file(self) -> str:
        """The file of the subject."""
        return Target.parse(self.target).place

    def constant(self, sizes: Mapping[str, int] | None = None) -> float:
        """Return `scale` as a number, for the truth's own sizes or others."""
        return float(eval(self.scale, {"__builtins__": {}}, dict(sizes or self.sizes)))  # noqa: S307 - our own formula


def truths() -> dict[str, Truth]:
    """Return the truth about all subjects by name, in the order of the file."""
    found = tomllib.loads(TRUTH.read_text(encoding="utf-8"))
    return {name: _truth(name, entry) for name, entry in found.items()}


def _truth(name: str, entry: dict[str, Any]) -> Truth:
    mends = tuple(
        Mend(**{**fault, "also": tuple(map(tuple, fault.get("also", ())))})
        for fault in entry.pop("faults", ())
    )
    sizes = {"T": 7, "B": entry.pop("batch", 1), "I": 4, "H": 5, "O": 2} | entry.pop("sizes", {})
    lists = {key: tuple(entry.pop(key, ())) for key in ("remarks", "contract", "closest")}
    return Truth(name=name, faults=mends, sizes=sizes, **lists, **entry)
