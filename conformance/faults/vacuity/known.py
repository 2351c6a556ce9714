"""The lacks that hide faults of the catalogue: no step before, no second sample, nothing given, nothing large enough.

Each is told from the structure of a problem, or from the values that the reference finds, at next to no cost.
`conformance power --case` tries every fault out instead, and finds the same.
"""

from conformance.faults import CATALOGUE
from conformance.faults.vacuity import questions as ask
from conformance.faults.vacuity.lack import Lack

STACKED = (
    "layer-reads-x",
    "layers-share-w-hh",
    "layers-share-one-cell",
    "h-0-of-first-layer-for-all",
    "d-below-missing",
    "output-gradient-at-every-layer",
    "h-n-top-layer-first",
    "h-n-directions-first",
)
TWO_WAYS = (
    "reverse-not-reversed",
    "reverse-output-not-turned-back",
    "reverse-with-forward-weights",
    "directions-swapped",
    "h-n-directions-first",
    "d-below-forward-only",
    "d-below-mean",
)
OVER_TIME = (
    "state-not-carried",
    "states-share-one-array",
    "slope-of-last-state",
    "slope-of-next-state",
    "slope-of-previous-state-wrapping",
    "output-gradient-at-every-step",
    "output-gradient-one-step-early",
    "output-gradient-last-only",
    "output-gradient-accumulated",
    "h-n-gradient-at-every-step",
    "carry-replaces-output-gradient",
    "loop-runs-forwards",
    "x-one-step-early",
    "x-of-last-step",
    "x-of-next-step",
    "x-of-previous-step-wrapping",
    "x-mean-at-every-step",
    "h-two-steps-back",
    "only-first-step-survives",
    "only-first-step-survives-in-w-ih",
    "only-first-step-survives-in-w-hh",
    "only-first-step-survives-in-bias",
    "only-last-step-survives",
    "divided-by-steps",
    "scale-mean-over-steps",
)
TRUNCATIONS = ("truncation-in-segments", "truncation-in-windows", "truncation-to-last-steps")

FORWARD_SEAMS = frozenset(
    (
        "activation",
        "recurrence",
        "start",
        "biases",
        "inputs",
        "kept",
        "lengths",
        "below",
        "layer_weights",
        "reverse",
        "sides",
        "h_n",
        "calls",
    )
)
"""Seams whose wrong choices show in output and h_n, or only when a network is called again."""

NEVER_HIDDEN = ("batch-not-summed", "bias-gradients-per-example", "divided-by-another-norm")
"""What shows even where every gradient is 0: by its shape, or as 0 / 0."""

OF_THE_HEAD = tuple(fault.id for fault in CATALOGUE.values() if all("head" in seam for seam in fault.choices))
"""What is wrong between the outputs of a head and the states that it reads."""

BACKWARD = tuple(
    fault.id
    for fault in CATALOGUE.values()
    if not FORWARD_SEAMS & set(fault.choices) and fault.id not in (*NEVER_HIDDEN, *OF_THE_HEAD)
)
"""What is wrong in values of the backward pass alone."""

WITHOUT_SLOPE = (
    "carry-adds-up",
    "carry-is-dh",
    "carry-joins-after-slope",
    "carry-without-slope",
    "db-without-slope",
    "dh-0-one-step-short",
    "dh-never-reset",
    "dw-hh-without-slope",
    "dw-ih-without-slope",
    "dx-without-slope",
    "first-row-slope-for-all",
    "output-gradient-joins-after-slope",
    "relu-prime-for-tanh",
    "sigmoid-prime-for-tanh",
    "slope-missing",
    "slope-of-previous-state",
    "tanh-prime-for-relu",
    "tanh-prime-of-activated",
    "tanh-prime-of-pre-activation",
    "tanh-prime-squared-difference",
    "tanh-prime-unsquared",
)
"""What shows even where every derivative is 0, since it lets something past it."""

LACKS = (
    Lack(
        name="T = 1",
        hides="nothing that happens between steps",
        faults=OVER_TIME,
        applies=lambda p, _: p.case.steps == 1,
    ),
    Lack(
        name="T ≤ 4",
        hides="no truncation to four steps",
        faults=TRUNCATIONS,
        applies=lambda p, _: p.case.steps <= 4,
    ),
    Lack(
        name="x is the same at every step",
        hides="no x of another step",
        faults=(
            "x-of-last-step",
            "x-of-next-step",
            "x-of-previous-step-wrapping",
            "x-one-step-early",
            "x-mean-at-every-step",
        ),
        applies=ask.constant_inputs,
    ),
    Lack(
        name="no two samples have the same input at a step",
        hides="no row of a batch that is lost to another",
        faults=("repeated-rows-lost-in-batch",),
        applies=ask.unlike_samples,
    ),
    Lack(
        name="no input comes again",
        hides="no row that is lost to a later one",
        faults=("repeated-rows-lost-over-time",),
        applies=ask.unlike_inputs,
    ),
    Lack(
        name="B = 1",
        hides="no mistake in how samples are put together",
        faults=(
            "divided-by-batch",
            "bias-gradients-divided-by-batch",
            "scale-sum-over-batch",
            "first-row-only",
            "first-row-slope-for-all",
            "scale-mean-over-batch",
        ),
        applies=lambda p, _: p.case.batch == 1,
    ),
    Lack(
        name="no h_0",
        hides="nothing about the initial state",
        faults=(
            "h-0-ignored",
            "h-0-of-first-layer-for-all",
            "h-previous-zero-at-first",
            "dh-0-missing",
            "dh-0-one-step-short",
        ),
        applies=lambda p, _: p.h_0 is None,
    ),
    Lack(
        name="h_0 is given",
        hides="no state that one call leaves to the next",
        faults=("state-leaks-between-calls",),
        applies=lambda p, _: p.h_0 is not None,
    ),
    Lack(
        name="no biases",
        hides="nothing about biases",
        faults=(
            "b-ih-unused",
            "b-hh-unused",
            "biases-unused",
            "b-ih-twice",
            "b-hh-twice",
            "only-first-step-survives-in-bias",
            "b-ih-gradient-dropped",
            "b-hh-gradient-dropped",
            "bias-gradients-dropped",
            "bias-gradients-doubled",
            "bias-gradients-per-example",
            "bias-outside-activation",
        ),
        applies=lambda p, _: not p.case.bias,
    ),
    Lack(
        name="all biases are 0",
        hides="nothing about how biases enter",
        faults=(
            "b-ih-unused",
            "b-hh-unused",
            "biases-unused",
            "b-ih-twice",
            "b-hh-twice",
            "bias-outside-activation",
        ),
        applies=ask.zero_biases,
    ),
    Lack(
        name="the loss doesn't see output",
        hides="nothing about how its gradient enters",
        faults=(
            "output-gradient-at-every-step",
            "output-gradient-one-step-early",
            "output-gradient-one-step-late",
            "output-gradient-last-only",
            "output-gradient-accumulated",
            "output-gradient-at-every-layer",
            "carry-replaces-output-gradient",
            "cotangent-overwritten",
        ),
        applies=lambda p, _: p.d_output is None,
    ),
    Lack(
        name="the loss doesn't see h_n",
        hides="nothing about how its gradient enters",
        faults=("h-n-gradient-ignored", "h-n-gradient-at-every-step"),
        applies=lambda p, _: p.d_h_n is None,
    ),
    Lack(
        name="the loss sees only one of output and h_n",
        hides="no gradient of one in place of the other's",
        faults=("h-n-gradient-replaces-output",),
        applies=lambda p, _: p.d_output is None or p.d_h_n is None,
    ),
    Lack(
        name="the loss sees output at the last step alone",
        hides="nothing about other steps' gradients",
        faults=(
            "output-gradient-last-only",
            "carry-replaces-output-gradient",
            "output-gradients-summed-at-last",
        ),
        applies=ask.last_step_alone,
    ),
    Lack(
        name="the loss sees the last of five steps or fewer alone",
        hides="no truncation to windows of four steps",
        faults=("truncation-in-windows",),
        applies=ask.last_of_five,
    ),
    Lack(
        name="the same gradient of output at every step",
        hides="no gradient of another step",
        faults=(
            "output-gradient-at-every-step",
            "output-gradient-one-step-early",
            "output-gradient-one-step-late-wrapping",
            "output-gradients-reversed",
        ),
        applies=ask.constant_cotangents,
    ),
    Lack(
        name="no output head",
        hides="nothing about its gradients",
        faults=OF_THE_HEAD,
        applies=lambda p, _: p.head is None,
    ),
    Lack(
        name="one layer",
        hides="nothing between layers",
        faults=STACKED,
        applies=lambda p, _: p.case.layers == 1,
    ),
    Lack(
        name="one direction",
        hides="nothing about the reverse one",
        faults=TWO_WAYS,
        applies=lambda p, _: not p.case.bidirectional,
    ),
    Lack(
        name="one direction and no lengths",
        hides="no wrong step as the final one",
        faults=("h-n-from-last-output",),
        applies=lambda p, _: not p.case.bidirectional and p.lengths is None,
    ),
    Lack(
        name="no lengths",
        hides="nothing about padding",
        faults=("lengths-ignored",),
        applies=lambda p, _: p.lengths is None,
    ),
    Lack(
        name="T or B of 1",
        hides="no axis reshaped where it should be swapped",
        faults=("batch-first-reshaped", "time-first-reshaped"),
        applies=lambda p, _: 1 in (p.case.steps, p.case.batch),
    ),
    Lack(
        name="tanh",
        hides="nothing about the derivative of relu",
        faults=("tanh-prime-for-relu", "relu-prime-one-at-zero"),
        applies=lambda p, _: p.case.nonlinearity == "tanh",
    ),
    Lack(
        name="relu",
        hides="nothing about the derivative of tanh",
        faults=("tanh-prime-of-activated", "tanh-prime-of-pre-activation"),
        applies=lambda p, _: p.case.nonlinearity == "relu",
    ),
    Lack(
        name="no unit is exactly 0 before relu",
        hides="nothing about the derivative there",
        faults=("relu-prime-one-at-zero",),
        applies=ask.no_kink,
    ),
    Lack(
        name="W_hh is symmetric",
        hides="no W_hh for its transpose",
        faults=("carry-not-transposed", "recurrence-transposed"),
        applies=ask.symmetric,
    ),
    Lack(
        name="H = 1",
        hides="nothing that mixes up units",
        faults=("dw-hh-transposed", "dw-hh-inner-product", "first-unit-slope-for-all"),
        applies=lambda p, _: p.case.hidden_size == 1,
    ),
    Lack(
        name="every derivative is 0",
        hides="nothing that passes through one: all units are saturated or off",
        faults=tuple(fault for fault in BACKWARD if fault not in WITHOUT_SLOPE),
        applies=ask.all_flat,
    ),
    Lack(
        name="every cotangent is 0",
        hides="nothing about the backward pass",
        faults=BACKWARD,
        applies=ask.zero_cotangents,
    ),
    Lack(
        name="no gradient is above 5",
        hides="no clipping there",
        faults=("clip-value-5",),
        applies=ask.below_five,
    ),
    Lack(
        name="all gradients have a norm of 5 or less",
        hides="no clipping of that norm",
        faults=("clip-norm-5",),
        applies=ask.norm_below_five,
    ),
    Lack(
        name="nothing above 1 is carried back",
        hides="no clipping on the way",
        faults=("carry-clipped-at-1",),
        applies=ask.small_carry,
    ),
    Lack(
        name="nothing of a norm above 1 is carried back",
        hides="no clipping of norms on the way",
        faults=("carry-norm-clipped-at-1",),
        applies=ask.small_carry_norm,
    ),
    Lack(
        name="numbers of 32 bits or fewer",
        hides="no smaller error",
        faults=("float32-buffers",),
        applies=lambda p, _: p.case.dtype != "f64",
    ),
)
"""Every lack, in the order in which they are told."""
