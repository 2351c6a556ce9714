"""A network that makes given choices at its seams, run on a problem: layers and directions composed.

With the right choices it computes what torch.nn.RNN computes, in code of its own that shares nothing with `refrnn`'s
passes. A fault in the forward pass leaves the backward pass as people write it: over the states that the forward
pass kept, with f' of the activation in use.
"""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.faults.backward import Loop, scan_backward
from conformance.faults.call import BACK, Call, first_call, refuse, regrouped, second_call
from conformance.faults.entry import entered
from conformance.faults.forward import Rounded, Scan, exact, scan_forward
from conformance.faults.head import Through, through
from conformance.faults.parameters import clipped, parameter_gradients
from conformance.faults.seams import RIGHT, Choices
from conformance.subjects.observation import Observation, Place
from refrnn import Array, Weights


class Results(Struct, frozen=True, kw_only=True):
    """All that one call gave: results time-major and batched, inner steps by place in the order of time."""

    output: Array  # (T, B, D·H)
    y: Array | None  # (T, B, O)
    h_n: Array  # (L·D, B, H)
    d_x: Array  # (T, B, I)
    d_h_0: Array  # (L·D, B, H)
    parameters: dict[str, Array]
    step_parameters: dict[str, Array]
    hidden: dict[Place, Array]
    d_hidden: dict[Place, Array]
    d_pre: dict[Place, Array]


def simulate(
    problem: Problem, choices: Choices = RIGHT, rounded: Rounded = exact, factor: float = 1.0
) -> Observation:
    """Run the network of `choices` on `problem` and show everything it has.

    `hidden` are the states that the network keeps, `d_hidden` and `d_pre` what its backward loop holds at each step,
    `step_parameters` what each step would add to a gradient before steps are reduced and gradients clipped. `rounded`
    is applied to the result of every step's operations, and `factor` is one more constant on all cotangents.

    Raises
    ------
    Unsupported
        If a choice has no meaning in this case; the message says which and why.
    """
    refuse(problem, choices)
    with np.errstate(all="ignore"):  # a wrong network may overflow where the right one doesn't
        call = first_call(problem, choices)
        found = Network(problem, choices, rounded, factor).run(call)
        if choices.calls != "independent":
            found = _called_again(Network(problem, choices, rounded, factor), call, found)
    return _observed(problem, found)


def _called_again(network: "Network", call: Call, first: Results) -> Results:
    """Return what the second of two equal calls gives."""
    problem, choices = network.problem, network.choices
    if choices.calls == "gradients add up":
        return replace(first, parameters={name: g + g for name, g in first.parameters.items()})
    top = problem.case.layers - 1
    d_hidden = np.concatenate([first.d_hidden[top, d] for d in range(problem.case.directions)], axis=-1)
    return network.run(second_call(problem, choices, call, first.h_n, d_hidden))


class Network(Struct, frozen=True):
    """The layers and directions of one problem."""

    problem: Problem
    choices: Choices
    rounded: Rounded
    factor: float

    def run(self, call: Call) -> Results:
        """Run forward and backward."""
        scans = self._forward(call)
        output = self._cleared(call, self._output(scans, self.problem.case.layers - 1))
        head = self._head(call, output)
        seen = call.d_output * self._scale() if head is None else head.d_output
        loops, d_x = self._backward(call, scans, entered(self.choices, seen))
        parameters, shares = self._parameters(loops, {} if head is None else head.gradients)
        return Results(
            output=output,
            y=None if head is None else head.y,
            h_n=self._h_n(call, scans),
            d_x=regrouped(BACK.get(self.choices.inputs, ""), d_x),
            d_h_0=np.array([loops[place].d_h_0 for place in self.problem.places]),
            parameters=parameters,
            step_parameters=shares,
            hidden={place: self._shown(scan.states, place[1]) for place, scan in scans.items()},
            d_hidden={place: self._shown(loop.d_h, place[1]) for place, loop in loops.items()},
            d_pre={place: self._shown(loop.d_a, place[1]) for place, loop in loops.items()},
        )

    def _forward(self, call: Call) -> dict[Place, Scan]:
        """Run every layer's scans, from the first up."""
        scans: dict[Place, Scan] = {}
        for n, place in enumerate(self.problem.places):
            layer, d = place
            own = layer > 0 and self.choices.below == "layer below"
            below = self._cleared(call, self._output(scans, layer - 1)) if own else call.x
            y = self.problem.dropped(layer - 1, below) if own else below
            scans[place] = scan_forward(
                self.choices,
                self.problem.case.nonlinearity,
                place,
                self._weights(place),
                x=self._read(y, d),
                h_0=call.h_0[n],
                active=self._read(call.active, d),
                rounded=self.rounded,
            )
        return scans

    def _head(self, call: Call, output: Array) -> Through | None:
        """Return what the head, where there is one, makes of output (T, B, D·H)."""
        if self.problem.head is None:
            return None
        h_0 = np.concatenate(list(call.h_0[-self.problem.case.directions :]), axis=-1)
        return through(self.choices, self.problem.head, output, call.d_output, h_0, self._scale())

    def _backward(
        self, call: Call, scans: dict[Place, Scan], d_output: Array
    ) -> tuple[dict[Place, Loop], Array]:
        """Run every layer's backward loops, from the last down; return them and dL/dx (T, B, I)."""
        case = self.problem.case
        d_final = dict(zip(self._states_in_order(), call.d_h_n * self._scale(), strict=True))
        loops: dict[Place, Loop] = {}
        d_y = d_output
        for layer in reversed(range(case.layers)):
            if layer < case.layers - 1 and self.choices.d_below == "output as well":
                d_y = d_y + d_output
            for d in range(case.directions):
                entry = self._shown(self._side(d_y, d), d)
                loops[layer, d] = scan_backward(
                    self.choices, scans[layer, d], entry, d_final[layer, d], self.rounded
                )
            passed = [self._read(self._passed(loops[layer, d]), d) for d in range(case.directions)]
            d_y = self._joined(passed, layer)
            if layer > 0:
                d_y = self.problem.dropped(layer - 1, d_y)
        return loops, d_y

    def _passed(self, loop: Loop) -> Array:
        """Return what a scan passes down, in the order of the scan: (T, B, I)."""
        choices, w = self.choices, loop.w_ih
        if choices.update == "before":
            w = w - choices.rate * np.einsum("tbh,tbi->hi", loop.d_a, loop.scan.x)
        match choices.d_x:
            case "before the loop":
                return np.where(loop.scan.active, loop.direct, w.dtype.type(0)) @ w
            case "without slope":
                return np.where(loop.scan.active, loop.d_h, w.dtype.type(0)) @ w
            case "untransposed" if w.shape[0] == w.shape[1]:
                return loop.d_a @ w.T
            case _:
                return loop.d_a @ w

    def _joined(self, passed: list[Array], layer: int) -> Array:
        """Return what reaches the layer below (or x) from all directions."""
        choices = self.choices
        if choices.d_below == "none" and layer > 0:
            return np.zeros_like(passed[0])
        if choices.d_below == "forward only":
            return passed[0]
        total = passed[0] if len(passed) == 1 else passed[0] + passed[1]
        return total / len(passed) if choices.d_below == "mean" else total

    def _parameters(
        self, loops: dict[Place, Loop], head: dict[str, Array]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the gradients of all parameters by torch's names, and each step's share in the order of time."""
        found: dict[str, Array] = {}
        shares: dict[str, Array] = {}
        for place in self.problem.places:
            loop = loops[place]
            by_step, gradients = parameter_gradients(
                self.choices, loop.scan, loop.d_a, loop.d_h, biased=self.problem.case.bias
            )
            for name, share, gradient in zip(self.problem.weights_at(place), by_step, gradients, strict=True):
                shares[name], found[name] = self._shown(share, place[1]), gradient
        return clipped(self.choices, found | head), shares

    def _weights(self, place: Place) -> Weights:
        """Return the weights with which a place computes."""
        layer, d = place
        if self.choices.reverse == "forward weights":
            d = 0
        if self.choices.layer_weights == "all of first layer's":
            layer = 0
        arrays = list(self.problem.weights_at((layer, d)).values())
        if self.choices.layer_weights == "first layer's":
            arrays[1] = list(self.problem.weights_at((0, d)).values())[1]
        return Weights(*([*arrays, None, None][:4]))

    def _read(self, sequence: Array, d: int) -> Array:
        """Turn a sequence between the order of time and that of a direction's scan."""
        return sequence[::-1] if d == 1 and self.choices.reverse != "run forwards" else sequence

    def _shown(self, sequence: Array, d: int) -> Array:
        """Turn states between the order of a direction's scan and that in which they are handed on."""
        return sequence if self.choices.reverse == "left reversed" else self._read(sequence, d)

    def _output(self, scans: dict[Place, Scan], layer: int) -> Array:
        """Return what a layer hands on: its directions side by side (T, B, D·H)."""
        sides = [self._shown(scans[layer, d].states, d) for d in range(self.problem.case.directions)]
        if self.choices.sides == "reverse first":
            sides.reverse()
        return sides[0] if len(sides) == 1 else np.concatenate(sides, axis=-1)

    def _side(self, d_y: Array, d: int) -> Array:
        """Return a direction's part (T, B, H) of what reaches a layer's output."""
        hidden, directions = self.problem.case.hidden_size, self.problem.case.directions
        n = directions - 1 - d if self.choices.sides == "reverse first" else d
        return d_y[..., n * hidden : (n + 1) * hidden]

    def _states_in_order(self) -> list[Place]:
        """Return the places in the order in which h_n stacks them."""
        places = self.problem.places
        if self.choices.h_n == "directions first":
            return sorted(places, key=lambda place: (place[1], place[0]))
        if self.choices.h_n == "top first":
            return sorted(places, key=lambda place: (-place[0], place[1]))
        return places

    def _h_n(self, call: Call, scans: dict[Place, Scan]) -> Array:
        """Return the final states (L·D, B, H)."""
        if self.choices.h_n == "last of output":
            shown = {place: self._shown(scan.states, place[1]) for place, scan in scans.items()}
            return np.array([self._cleared(call, shown[place])[-1] for place in self.problem.places])
        return np.array([scans[place].final for place in self._states_in_order()])

    def _cleared(self, call: Call, sequence: Array) -> Array:
        """Return a sequence (T, B, ·) with 0 in the padding."""
        return np.where(call.active, sequence, sequence.dtype.type(0))

    def _scale(self) -> float:
        case = self.problem.case
        T, B = case.steps, case.batch
        O = case.output_size or case.directions * case.hidden_size  # noqa: E741 - the letters of the formulas
        named = {"1": 1.0, "2": 2.0, "1/2": 0.5, "-1": -1.0, "1/T": 1 / T, "1/B": 1 / B, "1/O": 1 / O}
        named |= {"T": T, "B": B, "O": O, "2/(T·O)": 2 / (T * O), "T·O/2": T * O / 2}
        return named[self.choices.scale] * self.factor


def _observed(problem: Problem, found: Results) -> Observation:
    """Lay everything out as the problem does."""
    layout = problem.layout
    return Observation(
        output=layout.restored(found.output),
        y=None if found.y is None else layout.restored(found.y),
        h_n=layout.restored_state(found.h_n),
        d_x=layout.restored(found.d_x),
        d_h_0=None if problem.h_0 is None else layout.restored_state(found.d_h_0),
        parameters=found.parameters,
        hidden=found.hidden,
        d_hidden=found.d_hidden,
        d_pre=found.d_pre,
        step_parameters=found.step_parameters,
    )
