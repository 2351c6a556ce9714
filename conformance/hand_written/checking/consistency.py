"""Self-consistency: the numerical gradient of a network's own forward pass, next to the gradient that it computes.

It needs no reference, so it judges any network: an LSTM, a GRU, a sigmoid cell. And it says nothing about whether the
forward pass is the one that was meant, only whether backward and forward belong together.
"""

from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import FORMATS
from conformance.examination.recording import verdict_of
from conformance.hand_written.calling import OwnForward
from conformance.hand_written.checking.differences import CLEAR, by_complex_step, extrapolated
from conformance.hand_written.checking.symmetry import is_symmetric
from conformance.judge import MEANINGLESS, THRESHOLD, Comparison, Finding, Precision, decide
from conformance.record import Verdict
from refrnn import Array

U = float(np.finfo(np.float64).eps) / 2
REPLAYS = 4

DIRECTIONS = 3
"""Random directions in which every parameter is moved."""


class Consistency(Struct, frozen=True, kw_only=True):
    """How the gradients of a network compare with the numerical gradient of its own forward pass.

    `factor` is the one constant that all its gradients carry, or most where some are wrong; the findings are about what
    is left without it.
    `anchored` is whether at least one parameter's gradient is right, up to a constant of its own. Of gradients that
    disagree `of_some_loss` is whether all are those of some other loss.
    """

    method: str
    findings: list[Finding]
    factor: float = 1.0
    anchored: bool = True
    of_some_loss: bool = False

    @property
    def goes_wrong_later(self) -> bool:
        """Whether it is a second call that gives something else."""
        return any(f.comparison.quantity.endswith(OF_A_SECOND_CALL) for f in self.findings)

    @property
    def verdict(self) -> Verdict:
        """What all findings say together."""
        return verdict_of(self.findings)[0]

    @property
    def is_clearly_wrong(self) -> bool:
        """Whether a gradient whose derivatives are known well is wrong by more than single precision is of the largest.

        Rounding alone may be that of another formula, and next to nothing may stand for 0.
        """
        largest = max((float(np.abs(f.comparison.expected).max()) for f in self.findings), default=0.0)
        return self.clear_error > np.finfo(np.float32).eps * largest

    @property
    def clear_error(self) -> float:
        """How far off a gradient is whose derivatives are known well; 0 where none is."""
        wrong = [finding.comparison for finding in self.findings if finding.verdict == "differs"]
        known = [
            c for c in wrong if c.bound.max() <= CLEAR * max(np.abs(c.expected).max(), np.abs(c.got).max())
        ]
        return max((float(np.abs(c.got - c.expected).max()) for c in known), default=0.0)


def consistency(own: OwnForward) -> Consistency:
    """Compare every gradient that `own` gives with the derivative of its own loss, ⟨cotangent, outputs⟩.

    So must be those of an equal second call, unless all of them add up until somebody clears them.
    """
    loss = OwnLoss(own)
    exactly = loss.carries_complex_numbers()
    along = Numerical.along_some_directions(loss, exactly=exactly)
    first = _compared(own, along, "complex steps" if exactly else "central differences, extrapolated")
    if first.verdict == "differs":
        return replace(first, of_some_loss=_are_of_some_loss(own))
    if first.verdict != "agrees" or _add_up(own):
        return first
    again = along.compared_with({name: g / first.factor for name, g in own.again.items()})
    if verdict_of(again)[0] != "differs":
        return first
    return replace(first, findings=[_of_a_second_call(each) for each in again])


def _compared(own: OwnForward, along: "Numerical", method: str) -> Consistency:
    plain = Consistency(method=method, findings=along.compared_with(own.gradients))
    if plain.verdict != "differs":
        return plain
    factor = along.factor_of(own.gradients)
    if factor:
        scaled = {name: g / factor for name, g in own.gradients.items()}
        same = Consistency(method=method, findings=along.compared_with(scaled), factor=factor)
        if same.verdict == "agrees":
            return same
    alone = [along.factor_of({name: g}) for name, g in own.gradients.items() if along.is_right_alone(name, g)]
    ways = [plain]
    for factor in alone:
        findings = along.compared_with({name: g / factor for name, g in own.gradients.items()})
        ways.append(Consistency(method=method, findings=findings, factor=factor))
    least = min(ways, key=lambda way: sum(finding.verdict == "differs" for finding in way.findings))
    return replace(least, anchored=bool(alone))


def _are_of_some_loss(own: OwnForward) -> bool:
    moved = own.moved
    if moved is None:
        return False

    def along(u: Mapping[str, Array], v: Mapping[str, Array], s: float) -> float:
        point = {n: w + s * v[n] if n in v else w for n, w in own.parameters.items()}
        return sum(float(np.vdot(u[name], g)) for name, g in moved(point).items())

    try:
        return is_symmetric(along, {name: g.shape for name, g in own.gradients.items()})
    except Exception:  # noqa: BLE001 - foreign code may fail on other parameters in any way it likes
        return False


def _add_up(own: OwnForward) -> bool:
    """Tell whether every gradient of a second call is the sum of both, to rounding."""
    return bool(own.again) and all(
        name in own.again and np.allclose(own.again[name], 2 * g, rtol=8 * U, atol=8 * U * np.abs(g).max())
        for name, g in own.gradients.items()
        if g.size
    )


OF_A_SECOND_CALL = " of a second equal call"
"""How the quantities end that are right the first time."""


def _of_a_second_call(finding: Finding) -> Finding:
    quantity = f"{finding.comparison.quantity}{OF_A_SECOND_CALL}"
    return replace(finding, comparison=replace(finding.comparison, quantity=quantity))


class Numerical(Struct, frozen=True):
    """Numerical derivatives along a few random directions (N, *shape) of every parameter, and their errors (N,).

    They tell at a fraction of the cost of single elements whether a gradient is right: an error anywhere shows in a
    random direction with probability 1.
    """

    directions: Mapping[str, Array]
    derived: Mapping[str, tuple[Array, Array]]

    @classmethod
    def along_some_directions(cls, loss: "OwnLoss", *, exactly: bool) -> "Numerical":
        """Derive along a few random directions of every parameter."""
        rng = np.random.default_rng(2)
        shapes = {name: loss.own.parameters[name].shape for name in loss.own.gradients}
        directions = {
            name: rng.standard_normal((DIRECTIONS, *shape)) / np.sqrt(max(1, np.prod(shape)))
            for name, shape in shapes.items()
        }
        return cls(directions, loss.derived(directions, exactly=exactly))

    def compared_with(self, gradients: Mapping[str, Array]) -> list[Finding]:
        """Judge `gradients` against the numerical ones."""
        scale = max((root_mean_square(value) for value, _ in self.derived.values()), default=0.0)
        return decide(
            (self._compared(name, gradient, scale) for name, gradient in gradients.items()),
            Precision.of(FORMATS["f64"]),
        )

    def factor_of(self, gradients: Mapping[str, Array]) -> float:
        """Return the factor that brings the numerical derivatives closest to `gradients`, 0 where none does."""
        pairs = [(self._along(name, g), self.derived[name][0]) for name, g in gradients.items()]
        square = sum(float(right @ right) for _, right in pairs)
        return sum(float(got @ right) for got, right in pairs) / square if square > 0 else 0.0

    def is_right_alone(self, name: str, gradient: Array) -> bool:
        """Tell whether one parameter's gradient is right up to a constant; any single number is that."""
        factor = self.factor_of({name: gradient})
        if not factor or gradient.size == 1:
            return False
        return verdict_of(self.compared_with({name: gradient / factor}))[0] == "agrees"

    def _along(self, name: str, gradient: Array) -> Array:
        """Return a gradient's derivatives along the directions (N,)."""
        directions = self.directions[name]
        return directions.reshape(len(directions), -1) @ gradient.ravel()

    def _compared(self, name: str, gradient: Array, scale: float) -> Comparison:
        """Return derivatives next to their numerical values, within so many times what those are off by.

        One error may be small by chance, so half of its square comes from all of the parameter, as in the noise of the
        judge. Where the error isn't small against `scale`, the size of the derivatives, nothing is decided.
        """
        expected, error = self.derived[name]
        typical = root_mean_square(error)
        noise = np.sqrt(error**2 / 2 + typical**2 / 2) + U * np.abs(expected)
        return Comparison(
            phase="backward",
            quantity=f"dL/d{name}",
            layer=None,
            direction=None,
            axes=("direction",),
            got=self._along(name, gradient),
            expected=expected,
            bound=THRESHOLD * noise,
            doubtful=np.full(expected.shape, not typical <= MEANINGLESS * scale),
            scale="noise",
        )


class OwnLoss(Struct, frozen=True):
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

    def derived(self, directions: Mapping[str, Array], *, exactly: bool) -> dict[str, tuple[Array, Array]]:
        """Return the derivatives along (N, *shape) directions of every parameter with their errors, (N,) each."""
        derive = self._exact if exactly else self._estimated
        return {name: derive(name, along) for name, along in directions.items()}

    def _exact(self, name: str, directions: Array) -> tuple[Array, Array]:
        """Derive by complex steps; the noise is the scatter where every number is off by its rounding."""
        value = self._by_complex_steps(name, directions, self.own.parameters)
        rng = np.random.default_rng(1)
        scatter = np.zeros_like(value)
        for _ in range(REPLAYS):
            start = {
                n: w * (1 + 2 * U * rng.standard_normal(w.shape)) for n, w in self.own.parameters.items()
            }
            scatter += (self._by_complex_steps(name, directions, start) - value) ** 2
        return value, np.sqrt(scatter / REPLAYS)

    def _by_complex_steps(self, name: str, directions: Array, start: Mapping[str, Array]) -> Array:
        return np.array([by_complex_step(self.along({name: v}, start)) for v in directions])

    def _estimated(self, name: str, directions: Array) -> tuple[Array, Array]:
        """Derive by differences, which estimate their own errors."""
        lines = [self.along({name: v}, self.own.parameters) for v in directions]
        found = [extrapolated(lambda s, line=line: float(line(s).real)) for line in lines]
        return np.array([d.value for d in found]), np.array([d.error for d in found])


def complex_or_float(value: np.generic) -> complex:
    """Return a NumPy number as Python's, complex only where it is."""
    return complex(value) if np.iscomplexobj(value) else float(value)


def root_mean_square(values: Array) -> float:
    """Return the root mean square of all elements, 0 where there are none."""
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
