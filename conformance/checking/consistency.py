"""Self-consistency: the numerical gradient of a network's own forward pass, next to the gradient that it computes.

It needs no reference, so it judges any network: an LSTM, a GRU, a sigmoid cell. And it says nothing about whether the
forward pass is the one that was meant, only whether backward and forward belong together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from conformance.cases import FORMATS
from conformance.checking.differences import Derivative, by_complex_step, extrapolated
from conformance.handwritten import OwnForward
from conformance.judge import MEANINGLESS, THRESHOLD, Comparison, Finding, Precision, decide
from conformance.record import Verdict
from conformance.recording import verdict_of
from refrnn import Array

U = float(np.finfo(np.float64).eps) / 2
REPLAYS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How the gradients of a network compare with the numerical gradient of its own forward pass.

    `factor` is the one constant that all its gradients carry; the findings are about what is left without it.
    """

    method: str
    findings: list[Finding]
    factor: float = 1.0

    @property
    def verdict(self) -> Verdict:
        """What all findings say together."""
        return verdict_of(self.findings)[0]


def consistency(own: OwnForward) -> Consistency:
    """Compare every gradient that `own` gives with the derivative of its own loss, ⟨cotangent, outputs⟩."""
    loss = OwnLoss(own)
    exactly = loss.carries_complex_numbers()
    derive = loss.exact if exactly else loss.estimated
    numerical = Numerical(derived={name: derive(name) for name in own.gradients})
    method = "complex steps" if exactly else "central differences, extrapolated"
    plain = Consistency(method=method, findings=numerical.compared_with(own.gradients))
    if plain.verdict != "differs":
        return plain
    factor = numerical.factor_of(own.gradients)
    scaled = {name: g / factor for name, g in own.gradients.items()} if factor else {}
    same = Consistency(method=method, findings=numerical.compared_with(scaled), factor=factor)
    return same if same.verdict == "agrees" else plain


@dataclass(frozen=True, slots=True)
class Numerical:
    """The numerical gradient of every parameter, each with its error."""

    derived: Mapping[str, tuple[Array, Array]]

    def compared_with(self, gradients: Mapping[str, Array]) -> list[Finding]:
        """Judge `gradients` against the numerical ones."""
        scale = max((root_mean_square(value) for value, _ in self.derived.values()), default=0.0)
        comparisons = (_compared(name, g, *self.derived[name], scale) for name, g in gradients.items())
        return decide(comparisons, Precision.of(FORMATS["f64"]))

    def factor_of(self, gradients: Mapping[str, Array]) -> float:
        """Return the factor that brings the numerical gradients closest to `gradients`, 0 where none does."""
        pairs = [(g, self.derived[name][0]) for name, g in gradients.items()]
        square = sum(float(np.vdot(right, right)) for _, right in pairs)
        return sum(float(np.vdot(g, right)) for g, right in pairs) / square if square > 0 else 0.0


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """The loss that a network's backward pass is the gradient of, as a function of single numbers."""

    own: OwnForward

    def along(
        self, direction: Mapping[str, Array], start: Mapping[str, Array]
    ) -> Callable[[complex], complex]:
        """Return the loss along a line: from a number s to L(start + s · direction)."""

        def loss(s: complex) -> complex:
            point = {n: w + s * direction[n] if n in direction else w for n, w in start.items()}
            return complex_or_float(np.sum(self.own.cotangent * self.own.outputs(point)))

        return loss

    def carries_complex_numbers(self) -> bool:
        """Return whether a complex step runs through the network and agrees with differences, in one direction."""
        rng = np.random.default_rng(0)
        direction = {
            n: rng.standard_normal(w.shape) / np.sqrt(w.size) for n, w in self.own.parameters.items()
        }
        line = self.along(direction, self.own.parameters)
        try:
            value = by_complex_step(line)
        except Exception:  # noqa: BLE001 - foreign code may refuse complex numbers in any way it likes
            return False
        real = extrapolated(lambda s: float(line(s).real))
        return abs(value - real.value) <= THRESHOLD * real.error

    def exact(self, name: str) -> tuple[Array, Array]:
        """Return dL/dparameter by complex steps, and its noise: the scatter where every number is off by rounding."""
        value = self._each(
            name, self.own.parameters, lambda f: Derivative(value=by_complex_step(f), error=0.0)
        )[0]
        rng = np.random.default_rng(1)
        scatter = np.zeros_like(value)
        for _ in range(REPLAYS):
            start = {
                n: w * (1 + 2 * U * rng.standard_normal(w.shape)) for n, w in self.own.parameters.items()
            }
            replay = self._each(name, start, lambda f: Derivative(value=by_complex_step(f), error=0.0))[0]
            scatter += (replay - value) ** 2
        return value, np.sqrt(scatter / REPLAYS)

    def estimated(self, name: str) -> tuple[Array, Array]:
        """Return dL/dparameter by differences, and the error that each of them estimates for itself."""
        return self._each(name, self.own.parameters, lambda f: extrapolated(lambda s: float(f(s).real)))

    def _each(
        self,
        name: str,
        start: Mapping[str, Array],
        derive: Callable[[Callable[[complex], complex]], Derivative],
    ) -> tuple[Array, Array]:
        value, error = np.zeros(start[name].shape), np.zeros(start[name].shape)
        for index in np.ndindex(value.shape):
            unit = np.zeros(value.shape)
            unit[index] = 1
            found = derive(self.along({name: unit}, start))
            value[index], error[index] = found.value, found.error
        return value, error


def complex_or_float(value: np.generic) -> complex:
    """Return a NumPy number as Python's, complex only where it is."""
    return complex(value) if np.iscomplexobj(value) else float(value)


def root_mean_square(values: Array) -> float:
    """Return the root mean square of all elements, 0 where there are none."""
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def _compared(name: str, got: Array, expected: Array, error: Array, scale: float) -> Comparison:
    """Return a gradient next to its numerical value, within so many times what that is off by.

    An element's own error may be small by chance, so half of its square comes from the whole parameter, as in the
    noise of the judge. Where the error isn't small against `scale`, the size of the gradients, nothing is decided.
    """
    typical = root_mean_square(error)
    noise = np.sqrt(error**2 / 2 + typical**2 / 2) + U * np.abs(expected)
    return Comparison(
        phase="backward",
        quantity=f"dL/d{name}",
        layer=None,
        direction=None,
        axes=(("element",), ("row", "column"))[got.ndim - 1]
        if got.ndim in (1, 2)
        else tuple(f"axis {n}" for n in range(got.ndim)),
        got=got,
        expected=expected,
        bound=THRESHOLD * noise,
        doubtful=np.full(got.shape, not typical <= MEANINGLESS * scale),
        scale="noise",
    )
