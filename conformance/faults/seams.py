"""The seams of a hand-written network, where it is right or goes wrong: `Choices`, every default the right one.

A faulty network makes another choice at one seam or several; `simulate` computes what it then shows. "Before", "after",
"first" and "last" are meant in the order of the scan, except for `entry` and `inputs`, which go by time.
"""

from typing import Literal, TypeAlias, get_args

from msgspec import Struct
from msgspec.structs import fields

from conformance.errors import UsageError

Reduction: TypeAlias = Literal["sum", "first step", "last step", "mean"]
"""How the shares of all steps become one gradient; what is assigned in a backward loop leaves the first step's."""

HeadReduction: TypeAlias = Literal["sum", "first step", "last step", "mean", "every step", "as walked"]
"""The same of the head's gradients."""

Formed: TypeAlias = Literal["of delta", "of dh"]
"""Whether a gradient is formed with δ_t = dL/da_t, or with dL/dh_t, without f'."""


OwnScale: TypeAlias = Literal["common", "own"]
"""Whether a gradient carries the constant that all carry, or another one beside it."""

WeightScale: TypeAlias = Literal["common", "own", "zero"]
"""The same of a matrix, whose gradient may stay zero as well."""

NUMBERS = ("reach", "rate", "own_ih", "own_hh", "own_b", "own_head", "own_head_bias", "own_passed")
"""What `Choices` holds besides its seams: how far, how fast, how much."""


class Choices(Struct, frozen=True, kw_only=True):
    """What a network does at each seam.

    Attributes
    ----------
    activation
        f of the pre-activation: its own, sigmoid, f(a / 2), the other one of tanh and relu, or none at all.
    recurrence
        What h_{t-1} W_hhᵀ is: carried from step to step, always of h_0, missing, or with W_hh untransposed.
    start
        Where a scan starts: h_0, zeros, or the first layer's h_0 for all.
    biases
        Which biases enter the pre-activation; "outside" where both are added to the activated state instead.
    inputs
        What the first layer reads: x_t, x of the step before or after (in time), x + 1e-12, a batch-first x
        reshaped where it should be transposed, or a time-first one.
    kept
        The states that the network keeps and shows: h_t, h_{t-1}, h_T at every step, or h_t through float32.
    head_input
        The state that the head makes y_t of: h_t or h_{t-1}.
    lengths
        Whether short samples wait in the padding.
    below
        What a layer above the first reads.
    layer_weights
        Whether every layer has weights of its own, or all of them the first layer's W_hh, or all of its weights.
    reverse
        The second direction: reversed, run forwards, its states left in the order of its scan, or with the first
        direction's weights.
    sides
        Which direction comes first in a layer's output.
    h_n
        What h_n is made of, and in which order.
    derivative
        f' as a formula: its own, of the activated state 1 − tanh(h)², recomputed from x_t and h_t, the first unit's
        for all, the first row's for all, 1, sigmoid's h(1 − h), tanh's 1 − h², relu's, of the pre-activation 1 − a²,
        without the square 1 − h, with the difference squared (1 − h)², or relu's with 1 at exactly 0.
    slope_at
        The step at whose state f' is taken; "entered" is the step at which what is carried back entered.
    head_loss
        Which loss's gradient dL/dy is: the loss's own, that of cross-entropy over a softmax where the loss is a squared
        error, or that of a squared error where it is cross-entropy over a softmax; or the loss's own times the
        derivative of softmax's diagonal p(1 − p), or of the sigmoid or tanh of y, or as if y were one of those.
    head_carry
        What the head passes back: W_hyᵀ dL/dy, the same through W_hy untransposed (where square), or after an update:
        of all steps, or inside the loop, of the steps from t on or from t + 1 on.
    head_passed
        Whether what the head passes back carries the constant that its own gradients carry, the opposite sign, or a
        constant of its own beside that, `own_passed`.
    entry
        How dL/doutput enters: as given, the last one at every step, one step early (the last twice, or nothing at
        the last step), one step late (wrapping or not), only the last, the last one doubled, in the opposite order,
        the sum of all at the last step, or summed up from behind.
    d_h_n
        How dL/dh_n enters: at the last step, not at all, at every step, or in place of dL/doutput there.
    carry
        Through what step t passes gradients back: W_hhᵀ, W_hh, nothing at all, no matrix, W_ihᵀ (where square),
        twice W_hhᵀ, −W_hhᵀ, or H rows of the wrong end of one matrix over [h; x] or [x; h].
    carried
        What step t passes back: δ_t, dL/dh_t without f', or δ_t times f' once more.
    arrives
        How that meets dL/doutput of the step before: it is added, it replaces it, the last step's too (where nothing
        but dL/dh_n arrives), it adds up with all that arrived before, or it is added to dL/dh_t as it stands.
    joined
        Whether f' applies to all that reaches h_t, or not to the carry, or not to dL/doutput.
    steps, order
        The steps that the backward loop visits, and whether it goes backwards or forwards in time.
    truncation, reach
        How far gradients go back: to the start, to the start of their segment of `reach` steps, `reach` steps from
        where they enter, or the loop walks only the last `reach` steps.
    x_read, h_read
        Which x and which h multiply δ_t in dW_ih and dW_hh.
    repeats
        Whether equal rows of x, as the one-hot vectors of one id are, all add to dW_ih, or only the last of them in
        each step's batch, or in the whole sequence.
    formed_ih, formed_hh, formed_b
        What dW_ih, dW_hh and db are formed with.
    outer
        dW_hh as δ hᵀ, as h δᵀ, or as an inner product that broadcasts.
    reduce_ih, reduce_hh, reduce_b
        How steps are reduced, by parameter.
    rows
        How batch rows are reduced in the gradients of parameters.
    bias_gradients
        The gradients of the biases; summed over units where one number fills each.
    update, rate
        When parameters are updated with the learning rate `rate`: afterwards, inside the time loop before W_hh
        carries or after it did, or before W_ih passes anything down.
    scale
        One constant on everything.
    scale_ih, scale_hh, scale_b, scale_head, scale_head_bias
        Whether the gradient of W_ih, W_hh, the biases, W_hy or b_y carries what the others carry, stays zero, or
        carries a constant of its own beside that: `own_ih`, `own_hh`, `own_b`, `own_head` and `own_head_bias`.
    clip
        Clipping of parameters' gradients by value or norm, of the carry, or dW_hh over another's norm, always or where
        that is above 1.
    d_x
        What passes down: W_ihᵀ δ, the same taken before the loop (without any carry), W_ihᵀ dh, or W_ih δ (where
        square).
    d_h_0
        dL/dh_0: complete, zeros, or without the first step.
    d_below
        What reaches the layer below: both directions' sum, one direction's, their mean, nothing, or dL/doutput as well.
    head_entry
        Whether the head's gradients are formed with dL/dy as given, or as it enters the loop.
    head_read
        Which state multiplies dL/dy in dW_hy.
    reduce_head
        How steps are reduced in the gradient of W_hy; "every step" where it is taken anew at each step of the loop,
        though the loss sees one, "as walked" where it lacks the steps that the loop never visits.
    reduce_head_bias
        The same of the head's bias.
    head_bias
        The gradient of the head's bias: summed, zero, twice what it should be, kept for each sample, or summed over
        units as well.
    calls
        Whether a call leaves traces in the next; where it does, the second of two equal calls is shown.

    Raises
    ------
    UsageError
        If a seam has no such alternative.
    """

    activation: Literal["own", "sigmoid", "halved", "other", "none"] = "own"
    recurrence: Literal["carried", "of h_0", "none", "untransposed"] = "carried"
    start: Literal["given", "zeros", "first layer's"] = "given"
    biases: Literal["both", "no b_ih", "no b_hh", "none", "b_ih twice", "b_hh twice", "outside"] = "both"
    inputs: Literal["own", "before", "after", "nudged", "reshaped", "reshaped to batch-first"] = "own"
    kept: Literal["own", "before", "last", "float32"] = "own"
    head_input: Literal["own", "before"] = "own"
    lengths: Literal["respected", "ignored"] = "respected"
    below: Literal["layer below", "x"] = "layer below"
    layer_weights: Literal["own", "first layer's", "all of first layer's"] = "own"
    reverse: Literal["reversed", "run forwards", "left reversed", "forward weights"] = "reversed"
    sides: Literal["forward first", "reverse first"] = "forward first"
    h_n: Literal["final", "last of output", "directions first", "top first"] = "final"
    derivative: Literal[
        "own",
        "activated",
        "recomputed",
        "first unit",
        "first row",
        "one",
        "sigmoid",
        "tanh",
        "relu",
        "pre-activation",
        "unsquared",
        "squared difference",
        "one at zero",
    ] = "own"
    slope_at: Literal["own", "last", "before", "before, wrapping", "after", "entered"] = "own"
    head_loss: Literal[
        "own",
        "softmax",
        "squared error",
        "times softmax'",
        "times sigmoid'",
        "times tanh'",
        "times y (1 - y)",
        "times 1 - y²",
    ] = "own"
    head_carry: Literal["own", "untransposed", "updated", "updated inside", "updated inside, later"] = "own"
    head_passed: Literal["common", "negated", "own"] = "common"
    entry: Literal[
        "given",
        "last everywhere",
        "early",
        "early, none last",
        "late",
        "late, wrapping",
        "last only",
        "last doubled",
        "reversed",
        "sum at last",
        "accumulated",
    ] = "given"
    d_h_n: Literal["last step", "ignored", "every step", "replaces output"] = "last step"
    carry: Literal[
        "own",
        "untransposed",
        "none",
        "no weights",
        "input weights",
        "doubled",
        "negated",
        "end of [h; x]",
        "start of [x; h]",
    ] = "own"
    carried: Literal["delta", "dh", "slope again"] = "delta"
    arrives: Literal["added", "replaces output", "replaces all output", "adds up", "onto dh"] = "added"
    joined: Literal["before slope", "carry after", "output after"] = "before slope"
    steps: Literal["all", "last skipped", "first skipped"] = "all"
    order: Literal["backwards", "forwards"] = "backwards"
    truncation: Literal["none", "segments", "windows", "last steps"] = "none"
    reach: int = 4
    x_read: Literal["own", "before", "before, wrapping", "last", "after", "mean"] = "own"
    h_read: Literal["before", "before, wrapping", "zero at first", "own", "last", "two before", "mean"] = (
        "before"
    )
    repeats: Literal["added", "last of a step", "last of all"] = "added"
    formed_ih: Formed = "of delta"
    formed_hh: Formed = "of delta"
    formed_b: Formed = "of delta"
    outer: Literal["own", "transposed", "inner"] = "own"
    reduce_ih: Reduction = "sum"
    reduce_hh: Reduction = "sum"
    reduce_b: Reduction = "sum"
    rows: Literal["summed", "mean", "first row", "per row"] = "summed"
    bias_gradients: Literal[
        "own",
        "b_ih dropped",
        "b_hh dropped",
        "both dropped",
        "doubled",
        "mean over rows",
        "per row",
        "over units",
    ] = "own"
    update: Literal["after", "inside", "inside, later", "before"] = "after"
    rate: float = 0.1
    scale: Literal["1", "2", "1/2", "-1", "1/T", "1/B", "1/O", "T", "B", "O", "2/(T·O)", "T·O/2"] = "1"
    scale_ih: WeightScale = "common"
    scale_hh: WeightScale = "common"
    scale_b: OwnScale = "common"
    scale_head: WeightScale = "common"
    scale_head_bias: OwnScale = "common"
    own_ih: float = 0.5
    own_hh: float = 0.5
    own_b: float = 0.5
    own_head: float = 0.5
    own_head_bias: float = 0.5
    own_passed: float = 0.5
    clip: Literal[
        "none",
        "value 5",
        "value 1",
        "norm 5",
        "norm 1",
        "carry 1",
        "carry norm 1",
        "another's norm",
        "over another's norm",
    ] = "none"
    d_x: Literal["complete", "before the loop", "without slope", "untransposed"] = "complete"
    d_h_0: Literal["complete", "zeros", "first step missing"] = "complete"
    d_below: Literal["summed", "forward only", "mean", "none", "output as well"] = "summed"
    head_entry: Literal["given", "as entered"] = "given"
    head_read: Literal["own", "before", "last"] = "own"
    reduce_head: HeadReduction = "sum"
    reduce_head_bias: HeadReduction = "sum"
    head_bias: Literal["own", "dropped", "doubled", "per row", "over units"] = "own"
    calls: Literal[
        "independent", "gradients add up", "state leaks", "h_0 overwritten", "cotangent overwritten"
    ] = "independent"

    def __post_init__(self) -> None:
        for seam in SEAMS:
            if getattr(self, seam) not in alternatives(seam):
                message = (
                    f"The seam {seam!r} has no alternative {getattr(self, seam)!r}; choose from "
                    f"{', '.join(map(repr, alternatives(seam)))}."
                )
                raise UsageError(message)
        if self.reach < 1 or self.rate <= 0:
            message = f"reach must be at least 1 and rate positive; got {self.reach} and {self.rate}."
            raise UsageError(message)

    def departures(self) -> dict[str, str]:
        """Return the seams at which these choices are wrong, with what they choose."""
        return {seam: getattr(self, seam) for seam in SEAMS if getattr(self, seam) != alternatives(seam)[0]}


_ALTERNATIVES = {field.name: get_args(field.type) for field in fields(Choices) if field.name not in NUMBERS}

SEAMS = tuple(_ALTERNATIVES)
"""The names of all seams, in the order of the data flow."""

FORWARD = SEAMS[: SEAMS.index("derivative")]
"""The seams of the forward pass: all up to the first one of the backward pass."""


def alternatives(seam: str) -> tuple[str, ...]:
    """Return what can be chosen at `seam`, the right one first.

    >>> alternatives("outer")
    ('own', 'transposed', 'inner')
    """
    return _ALTERNATIVES[seam]


RIGHT = Choices()
"""The right choice at every seam."""
