"""The local check: every step recomputed by the reference from the subject's own previous values.

Forward, the reference takes one step from the subject's own h_{t-1} (and, above the first layer, its own states
of the layer below); backward, from its own dL/dh_{t+1} (and those of the layer above). So errors don't
accumulate, the bound of a single step applies however long or chaotic the sequence is, and the first
element beyond its bound is where something goes wrong, not where an earlier mistake shows.
"""

from collections.abc import Iterator

from conformance.cases import Problem
from conformance.judge.comparison import Comparison, Finding
from conformance.judge.decision import decide
from conformance.judge.functions import USUAL
from conformance.judge.inner import inner_steps
from conformance.judge.local_backward import backward_comparisons
from conformance.judge.local_forward import forward_comparisons, forward_steps
from conformance.judge.rounding import Precision
from conformance.judge.setting import Setting
from conformance.subjects.observation import Observation


def local_check(
    problem: Problem,
    observation: Observation,
    *,
    tanh: float = USUAL,
    flushes: bool = False,
    slopes: bool = False,
) -> list[Finding]:
    """Judge all that follows in one step from what `observation` shows, in the order of the data flow.

    Its tanh may be off by `tanh` units (`functions.py`); with `flushes`, subnormals may be 0; with `slopes`, tanh'
    may be formed from a pre-activation (`slopes.py`).
    """
    precision = Precision.of(problem.format, tanh=tanh, flushes=flushes, slopes=slopes)
    setting = Setting(
        problem=problem,
        observation=observation,
        inner=inner_steps(problem, observation),
        precision=precision,
    )
    return decide(_comparisons(setting), precision)


def _comparisons(setting: Setting) -> Iterator[Comparison]:
    """Yield forward comparisons from the first layer up, then backward ones from the last layer down."""
    steps = forward_steps(setting)
    yield from forward_comparisons(setting, steps)
    yield from backward_comparisons(setting, steps)
