"""What a check of a hand-written network found: the versioned JSON from which every format is made.

Nothing in it is large, and no number in it is computed by a report.
"""

from typing import Literal

import msgspec

from conformance.errors import UsageError
from conformance.record.body import Body, Number
from conformance.record.case import DivergenceRecord, QuantityRecord
from conformance.record.pictures import ExcerptRecord, MapRecord, MatrixRecord, NormsRecord
from conformance.record.text import json_of

CHECK_SCHEMA = 1
"""The version of this layout; it grows when a reader of the one before would go wrong."""

CheckVerdict = Literal[
    "conforms",
    "conforms-up-to-a-constant",
    "forward-conforms",
    "gradients-conform",
    "step-conforms",
    "differs",
    "another-network",
    "as-used",
    "undecided",
    "not-called",
    "out-of-time",
    "failed",
]
"""What a check says in one word.

conforms                   everything shown agrees with torch.nn.RNN
conforms-up-to-a-constant  all gradients are the right ones times one constant
forward-conforms           the forward pass agrees with torch.nn.RNN's, and no gradient was judged
gradients-conform          all gradients are right, of a backward pass alone: the forward pass ahead of it is ours
step-conforms              a single step agrees with torch.nn.RNN's, in place of a loop over time that did not run
differs                    something is wrong
another-network            the forward pass isn't that of torch.nn.RNN; the gradients are judged by the network's own
as-used                    its own script trains it; the update is judged by the loss that the script computes
undecided                  it ran, and too little was shown, or rounding could be as large
not-called                 nobody found out how it wants to be called
out-of-time                it hangs, or is so slow that a limit in time ended it, which says nothing of what it computes
failed                     it raised, asked for input, took too much memory or died
"""

EXIT_CONFORMS, EXIT_DIFFERS, EXIT_INCONCLUSIVE = 0, 1, 5


class FaultRecord(Body):
    """One fault of a diagnosis, as the catalogue tells it."""

    id: str
    name: str
    effect: str
    mend: str
    idiom: str


class SuspectRecord(Body):
    """A line of the source in which a fault may hide, and the line `mended`, empty where no sure rewrite is known.

    It is a guess unless `verified`: then it was mended in memory, and the network had the fault no more.
    """

    fault: str
    file: str
    line: int
    text: str
    mended: str
    verified: bool


class DiagnosisRecord(Body):
    """The smallest set of faults that reproduces every gradient shown, or what is known where none does.

    `residual` and `nearest_miss` are in units of noise: how far the reproduction is from what was shown, and how
    far the next best one. `by_parameter` names the faults of parameters whose gradients tell another story than the
    rest; `known` holds sentences. Nothing is in `faults` that wasn't reproduced numerically.
    """

    explained: bool
    faults: list[FaultRecord]
    equivalents: list[list[str]]
    by_parameter: dict[str, list[str]]
    scale: Number
    scale_name: str
    residual: Number | None
    nearest_miss: Number | None
    known: list[str]
    suspects: list[SuspectRecord]


class ScaleRecord(Body):
    """One constant on all gradients.

    `against` says what the constant is measured against; `declared` is true where that is the loss that the code itself
    declares, and its value could be called.
    """

    factor: Number
    name: str
    against: str
    declared: bool


class ContractFinding(Body):
    """One thing that a network must not do to its caller, tried out; `holds` is None where it couldn't be."""

    id: str
    holds: bool | None
    sentence: str


class SplitRecord(Body):
    """dL/dh of one step at one element: what came from the output, and what step t + 1 passed back."""

    t: int
    from_output: Number
    from_next: Number
    expected: Number
    got: Number
    wrong_itself: bool


class ConsistencyRecord(Body):
    """The network's gradients next to the numerical gradient of its own forward pass.

    `agrees` is None where that can't be decided or done, for the `reason` given. `method` is empty where no loss is
    known that could be differentiated: then `reason` tells what shows that they are a gradient all the same.
    `factor` is the constant up to which they agree. The elements of `quantities` are directions in which a parameter
    was moved. `steps` tells up to how many steps they agree, where they don't for all of them.
    """

    agrees: bool | None
    reason: str
    method: str
    factor: Number
    quantities: list[QuantityRecord]
    steps: str = ""


class PartRecord(Body):
    """The same network in another setting (h_0 that isn't 0, a single step): what came out, in one sentence."""

    id: Literal["initial-state", "cell", "repeat"]
    case: str
    holds: bool | None
    sentence: str


class InterfaceRecord(Body):
    """How the network was called: a line for each thing found out, and the adapter that says it explicitly."""

    lines: list[str]
    adapter: str


class FixRecord(Body):
    """Some lines of a source, from `first` (counted from 1), and those that take their place; either may be none.

    The file of a notebook is `path.ipynb#cell`, of one that runs `.ipynb#cell`, and its lines are the cell's. `change`
    tells what was wrong in words, and `faults` are those of the catalogue that the fix undoes.
    """

    file: str
    first: int
    before: list[str]
    after: list[str]
    change: str = ""
    faults: list[str] = msgspec.field(default_factory=list)


class CheckRecord(Body):
    """What `conformance check` found about one target.

    `headline` is the verdict as a sentence. `backward` is None where no gradient is shown. `first_divergence` is wrong
    by itself; `inherited` tells the steps that only pass it on. `simulated_steps` is true where the network keeps no
    steps, and those told are of the reproduction by the diagnosis. `as_written` tells of truncation and clipping that
    were lifted, and what the code computes with them. `printed` is what the code itself wrote. `unjudged` names what
    may be a backward pass and wasn't judged as one. `fixes` are the lines with which every gradient is right; they were
    tried in memory, on further problems too; `other_fixes` do as well, and no problem tells which are meant. `located`
    tells where a backward pass first goes wrong, where there are none. `denied` is what speaks against all that agrees
    where the check is undecided for that. `maps`, `matrices`, `norms` and `excerpts` are what pictures show, where
    something differs.
    """

    schema: int
    target: str
    verdict: CheckVerdict
    headline: str
    reproduce: str
    case: str = ""
    forward: str | None = None
    backward: str | None = None
    interface: InterfaceRecord = InterfaceRecord(lines=[], adapter="")
    quantities: list[QuantityRecord] = msgspec.field(default_factory=list)
    first_divergence: DivergenceRecord | None = None
    simulated_steps: bool = False
    inherited: str = ""
    split: list[SplitRecord] = msgspec.field(default_factory=list)
    scale: ScaleRecord | None = None
    diagnosis: DiagnosisRecord | None = None
    as_written: list[str] = msgspec.field(default_factory=list)
    consistency: ConsistencyRecord | None = None
    parts: list[PartRecord] = msgspec.field(default_factory=list)
    contracts: list[ContractFinding] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    not_checked: list[str] = msgspec.field(default_factory=list)
    printed: str = ""
    unjudged: list[str] = msgspec.field(default_factory=list)
    not_run: list[str] = msgspec.field(default_factory=list)
    fixes: list[FixRecord] = msgspec.field(default_factory=list)
    other_fixes: list[FixRecord] = msgspec.field(default_factory=list)
    located: str = ""
    denied: str = ""
    maps: list[MapRecord] = msgspec.field(default_factory=list)
    matrices: list[MatrixRecord] = msgspec.field(default_factory=list)
    norms: NormsRecord | None = None
    excerpts: list[ExcerptRecord] = msgspec.field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """What a program that ends with this record leaves with."""
        if self.conforms:
            return EXIT_CONFORMS
        if self.verdict in ("another-network", "as-used") and self.consistency is not None:
            return {True: EXIT_CONFORMS, False: EXIT_DIFFERS, None: EXIT_INCONCLUSIVE}[
                self.consistency.agrees
            ]
        if self.verdict == "forward-conforms":
            return EXIT_INCONCLUSIVE if self.unjudged else EXIT_CONFORMS
        return EXIT_DIFFERS if self.verdict == "differs" else EXIT_INCONCLUSIVE

    @property
    def conforms(self) -> bool:
        """Whether it is torch.nn.RNN's network as far as it goes, at most up to one constant on all gradients."""
        whole = self.verdict in ("conforms", "conforms-up-to-a-constant", "gradients-conform")
        return whole or (self.verdict == "forward-conforms" and not self.unjudged)


def encode_check(record: CheckRecord) -> bytes:
    """Return the JSON of `record`: keys sorted, indented."""
    return msgspec.json.format(json_of(record), indent=2) + b"\n"


def decode_check(data: bytes) -> CheckRecord:
    """Return the record that `data` holds.

    Raises
    ------
    UsageError
        If `data` isn't a record of this version.
    """
    try:
        record = msgspec.json.decode(data, type=CheckRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = (
            f"This is no record of a check: {error}. Pass what `conformance check --format json` has written."
        )
        raise UsageError(message) from error
    if record.schema != CHECK_SCHEMA:
        message = f"This record has schema {record.schema}; this version reads schema {CHECK_SCHEMA}."
        raise UsageError(message)
    return record


def check_schema() -> dict[str, object]:
    """Return the JSON Schema of a record of a check."""
    return msgspec.json.schema(CheckRecord)


def named_gradient(name: str) -> str:
    """Return what the gradient of a parameter is called in tables: dL/dW_hh of weight_hh_l0, dL/dW_y of head.weight."""
    short = name.removeprefix("d_").removesuffix("_l0")
    short = short.replace("head.weight", "W_y").replace("head.bias", "b_y")
    return "dL/d" + short.replace("weight", "W").replace("bias", "b")
