"""The head of a network: the affine map from its last layer's states to outputs y, through which the loss sees them.

y_t = W h_t + b        dL/dh_t = Wᵀ dL/dy_t        dL/dW = Σ_t dL/dy_t ⊗ h_t        dL/db = Σ_t dL/dy_t

symbol     shape        meaning
W, b       (O, D·H), (O,)    `weight` and `bias`, torch.nn.Linear's orientation
y          (T, B, O)         in the layout of the problem, as x and output are
"""

import math
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from refrnn import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The parameters of a head, and the cotangent of its outputs; none of the arrays may be changed."""

    weight: Array  # (O, D·H)
    bias: Array | None  # (O,)
    d_y: Array | None  # dL/dy in the layout of x, None where the loss doesn't see it

    @property
    def d_output(self) -> Array | None:
        """dL/doutput = dL/dy W, in the layout and the precision of dL/dy."""
        return None if self.d_y is None else self.d_y @ self.weight

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters under the names that observations use for their gradients."""
        found = {HEAD_WEIGHT: self.weight}
        return found if self.bias is None else found | {HEAD_BIAS: self.bias}


HEAD_WEIGHT = "head.weight"
HEAD_BIAS = "head.bias"


def drawn_parameters(case: Case, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the head's parameters in float64, by the conventions of the case's regime.

    gain<g>    normal, of standard deviation 1/√(D·H); bias of 0.1
    tutorial   normal times 0.01, no bias
    others     uniform within ±1/√(D·H), torch's own initialisation
    """
    width = case.directions * case.state_size
    shapes = {HEAD_WEIGHT: (case.output_size, width)}
    if case.bias:
        shapes[HEAD_BIAS] = (case.output_size,)
    if case.gain is not None:
        deviation = {HEAD_WEIGHT: 1 / math.sqrt(width), HEAD_BIAS: 0.1}
        return {name: deviation[name] * rng.standard_normal(shape) for name, shape in shapes.items()}
    if case.regime == "tutorial":
        deviation = {HEAD_WEIGHT: 0.01, HEAD_BIAS: 0.0}
        return {name: deviation[name] * rng.standard_normal(shape) for name, shape in shapes.items()}
    edge = 1 / math.sqrt(width)
    return {name: rng.uniform(-edge, edge, shape) for name, shape in shapes.items()}
