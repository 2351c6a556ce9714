"""Which block is of which gate, found by value: a few runs with weights of ours, each followed in every order.

    1. all weights of h and all biases 0       the blocks of x in every order, whatever z of a GRU multiplies
    2. the weights of h as well                their blocks in every order, the reset before or after the product
    3. one bias, or initial state, at a time   one of the gates, or the state itself

Code runs once for each of these; the orders are tried on states that the reference computes from the same numbers. A
step that knows its answer is one in which no other order gives the same states.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Case, reference_network
from conformance.hand_written.calling.forwards.passes import Forward, case_of
from conformance.hand_written.calling.gates.blocks import (
    LETTERS,
    assembled,
    biases_of,
    blocks_of,
    letters_of,
)
from conformance.hand_written.calling.gates.parts import Part, Unit, layouts
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, more, run, value
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.matching import agreement, everything, series_in, views
from conformance.hand_written.calling.values.slots import Sizes, Slot, options
from conformance.hand_written.calling.values.softmaxes import outputs_of
from refrnn import Array

STATES = ("h_0", "c_0")
"""What a vector may be that is no bias."""

FORGET, INSIDE = "f", (0.0, 1.0)
"""The gate to whose bias code may add a constant by itself, so that much is kept at first, and what that is."""

MOST_HEADS = 4
"""Readings of which arrays are the head's that are tried."""


class Meaning(Struct, frozen=True, kw_only=True):
    """What the arrays of a cell with gates are."""

    case: Case
    slots: tuple[Slot, ...]
    absent: tuple[str, ...] = ()  # blocks of biases that it has not
    biases: bool = True


class Hypothesis(Struct, frozen=True, kw_only=True):
    """A cell, and which gate each block is of, as far as it is known."""

    cell: Literal["lstm", "gru"]
    reset: Literal["after", "before"] = "after"
    new: bool = False  # whether z multiplies the new candidate, so that it is 1 − z of torch's
    inside: float = 0.0  # what the code adds to the forget gate's bias
    gates: Mapping[Unit, str]  # the letter of each block's gate
    roles: Mapping[Unit, str] = {}  # the short names of biases and initial states


def meaning_of(loaded: Loaded, forward: Forward, read: Sequence[Reached]) -> Meaning | None:
    """Return what the arrays are that a forward pass reads, where it is that of an LSTM or GRU; else None."""
    for head, rest in itertools.islice(_heads(read, forward.sizes), MOST_HEADS):
        for parts in layouts(rest, forward.sizes):
            found = _Deriving(loaded=loaded, forward=forward, parts=parts, head=head).meaning()
            if found is not None:
                return found
    return None


def _heads(read: Sequence[Reached], sizes: Sizes) -> Iterator[tuple[list[Slot], list[Reached]]]:
    """Yield which arrays may be the head's parameters, as slots, with all others; those with such names first.

    Of a single output the weights have the shape of a bias of a gate.
    """
    slots = [slot for item in read for slot in options(item, sizes) if slot.is_of_the_head and sizes.O]
    likely = sorted(slots, key=lambda slot: slot.cost)
    weights = [slot for slot in likely if "W_hy" in slot.roles] or [None]
    biases = [*(slot for slot in likely if slot.roles == ("b_y",)), None]
    for weight, bias in itertools.product(weights, biases):
        head = [slot for slot in (weight, bias) if slot is not None]
        paths, roles = {slot.path for slot in head}, [role for slot in head for role in slot.roles]
        if len(paths) == len(head) and len(set(roles)) == len(roles):
            yield head, [item for item in read if item.path not in paths]


class _Deriving(Struct, kw_only=True):
    """One way to read the shapes of all arrays, put to the code."""

    loaded: Loaded
    forward: Forward
    parts: tuple[Part, ...]
    head: list[Slot]

    def meaning(self) -> Meaning | None:
        """Return what the arrays are, None where no order of gates gives what the code shows."""
        numbers = _drawn(self.parts, self.forward)
        found = self._right(numbers, "x", self._orders_of_x())
        found = None if found is None else self._right(numbers, "xh", self._orders_of_h(found))
        for unit in self._units("b") if found is not None else ():
            if unit in found.roles:
                continue
            found = self._right(numbers, "xh", self._roles_of(found, unit), unit)
            if found is None:
                return None
        return None if found is None else self._told(found)

    def _units(self, of: str) -> list[Unit]:
        return [unit for part in self.parts for unit in part.units if unit.of == of]

    def _orders_of_x(self) -> Iterator[Hypothesis]:
        units = self._units("x")
        cell = next(cell for cell, letters in LETTERS.items() if len(letters) == len(units))
        variants = (
            [{"new": new} for new in (False, True)] if cell == "gru" else [{"inside": k} for k in INSIDE]
        )
        for variant, order in itertools.product(variants, itertools.permutations(LETTERS[cell])):
            yield Hypothesis(cell=cell, gates=dict(zip(units, order, strict=True)), **variant)  # pyright: ignore[reportArgumentType]

    def _orders_of_h(self, known: Hypothesis) -> Iterator[Hypothesis]:
        """Yield the orders of the blocks of h; one in a matrix with a block of x is of the same gate."""
        units, joint = self._units("h"), {(u.array, u.gate): letter for u, letter in known.gates.items()}
        fixed = [joint.get((unit.array, unit.gate)) for unit in units]
        resets = ("after", "before") if known.cell == "gru" else ("after",)
        for order, reset in itertools.product(itertools.permutations(LETTERS[known.cell]), resets):
            if all(own in (None, letter) for own, letter in zip(fixed, order, strict=True)):
                gates = {**known.gates, **dict(zip(units, order, strict=True))}
                yield replace(known, gates=gates, reset=reset)

    def _roles_of(self, known: Hypothesis, unit: Unit) -> Iterator[Hypothesis]:
        """Yield what a block of a bias may be: a bias of the same gate as its matrix, or of any, or a state."""
        case, taken = self._case(known), set(known.roles.values())
        joint = {(u.array, u.gate): letter for u, letter in known.gates.items()}
        own = joint.get((unit.array, unit.gate), "")
        for letter in own or letters_of(case):
            yield from (
                replace(known, roles={**known.roles, unit: role})
                for role in biases_of(case, letter)[-2:]
                if role not in taken
            )
        for role in () if own or self.parts[unit.array].gates > 1 else STATES:
            if role not in taken and role[0] in case.carried:
                yield replace(known, roles={**known.roles, unit: role})

    def _case(self, hypothesis: Hypothesis) -> Case:
        asked = self.forward.asked.case
        return case_of(
            self.forward.sizes,
            batched=asked.layout != "unbatched",
            cell=hypothesis.cell,
            reset=hypothesis.reset,
        )

    def _right(
        self,
        numbers: Mapping[Unit, Array],
        shown: str,
        hypotheses: Iterator[Hypothesis],
        bias: Unit | None = None,
    ) -> Hypothesis | None:
        """Return the first hypothesis under which the code shows the right states, all other blocks being 0."""
        alive = {unit for unit in numbers if unit.of in shown or unit == bias}
        given = {unit: numbers[unit] if unit in alive else np.zeros_like(numbers[unit]) for unit in numbers}
        seen = self._seen(given)
        return next((h for h in hypotheses if seen and self._gives(h, given, seen)), None)

    def _seen(self, given: Mapping[Unit, Array]) -> list[tuple[int, Array]]:
        """Return what a run of the code with some numbers shows that may be states, or else outputs."""
        forward, p = self.forward, self.forward.asked.p
        names = {part.item.path: _array(part, given) for part in self.parts}
        texts = [f"{path}[...] = given[{path!r}]" for path in names]
        texts += [f"{slot.path}[...] = {slot.fill}" for slot in self.head]
        ran = run(self.loaded, p, forward.opening)
        ran.names["given"] = names
        ran = more(self.loaded, ran, (*texts, *forward.lines))
        if not ran.ok:
            return []
        steps, batch = forward.asked.case.steps, forward.asked.case.batch
        sequences = list(series_in(everything(ran, ["result", *forward.built.setup.roots]), steps))
        return [
            (width, view)
            for width in filter(None, (forward.sizes.H, forward.sizes.O))
            for series in sequences
            for _, view in views(series, np.empty((steps, batch, width)))
        ]

    def _gives(
        self, hypothesis: Hypothesis, given: Mapping[Unit, Array], seen: Sequence[tuple[int, Array]]
    ) -> bool:
        """Tell whether the states of a hypothesis, or outputs made of them, are among what was seen."""
        states = self._states(hypothesis, given)
        steps, truths = len(states), [(self.forward.sizes.H, states)]
        if {role for slot in self.head for role in slot.roles} >= {"W_hy"}:
            p = self.forward.asked.p
            bias = p.b_y if any("b_y" in slot.roles for slot in self.head) else 0.0
            truths += [(p.O, made) for made in outputs_of(states @ p.W_hy.T + bias).values()]
        return any(
            agreement(view, truth)[0] == (1 if len(view) == 1 else steps)
            for wanted, truth in truths
            for width, view in seen
            if width == wanted
        )

    def _states(self, hypothesis: Hypothesis, given: Mapping[Unit, Array]) -> Array:
        """Return the states (T, B, H) of the reference with the blocks that a hypothesis takes them for."""
        case, p = self._case(hypothesis), self.forward.asked.p
        network: Any = reference_network(case, np.float64)
        zeros = {name: np.zeros_like(w) for name, w in network.state_dict().items()}
        blocks = blocks_of(case, zeros)
        states = {name: np.zeros((1, p.B, p.H)) for name in STATES}
        for unit, array in given.items():
            name = _name(hypothesis, unit)
            if name in STATES:
                states[name] = np.broadcast_to(array, (1, p.B, p.H)).copy()
            elif name:
                blocks[name.removeprefix("-")] = -array if name.startswith("-") else array
        if hypothesis.inside:
            blocks[f"b_x{FORGET}"] = blocks[f"b_x{FORGET}"] + hypothesis.inside
        network.load_state_dict(assembled(case, blocks))
        start = states["h_0"] if case.cell == "gru" else (states["h_0"], states["c_0"])
        x = p.x if case.layout != "unbatched" else p.x[:, 0]
        if case.layout == "unbatched":
            start = start[:, 0] if case.cell == "gru" else (start[0][:, 0], start[1][:, 0])
        output = network.forward(x, start).output
        return output.reshape(p.T, p.B, p.H)

    def _told(self, found: Hypothesis) -> Meaning | None:
        """Return the meaning that a hypothesis gives all arrays; a single bias of a gate stands for the sum of two."""
        case = self._case(found)
        names = {unit: _name(found, unit) for unit in (*found.gates, *found.roles)}
        given = {name.removeprefix("-") for name in names.values()}
        absent: list[str] = []
        for letter in letters_of(case):
            one, *apart = biases_of(case, letter)
            missing = [name for name in (one, *apart)[-2:] if name not in given]
            if len(apart) > 1 and len(missing) == 1:
                names = {unit: _as_one(name, letter) for unit, name in names.items()}
            else:
                absent += missing
        of_forget = sorted(name for name in names.values() if name in biases_of(case, FORGET))
        if found.inside and not of_forget:
            return None
        inside = {of_forget[0]: found.inside} if found.inside else {}
        slots = tuple(part.slot(names, inside) for part in self.parts)
        biases = any(name.startswith("b_") for name in given)
        return Meaning(
            case=case,
            slots=(*(_with_state(slot) for slot in slots), *self.head),
            absent=tuple(absent) if biases else (),
            biases=biases,
        )


def _as_one(name: str, letter: str) -> str:
    """Return the name of a bias as that of the one that its gate has."""
    return name.replace("b_x", "b_").replace("b_h", "b_") if name.endswith(letter) and "b_" in name else name


def _with_state(slot: Slot) -> Slot:
    """Return a slot; where it holds an initial state (B, H), filled with that of the first sample."""
    if slot.roles[0] not in STATES:
        return slot
    return replace(slot, fill=slot.fill.replace(f"p.{slot.roles[0]}", f"p.{slot.roles[0]}[0]"))


def _name(hypothesis: Hypothesis, unit: Unit) -> str:
    """Return the short name of a block, with a minus where its gate is the complement of torch's; empty if unknown."""
    if unit.of == "b":
        name = hypothesis.roles.get(unit, "")
    else:
        letter = hypothesis.gates.get(unit, "")
        name = f"W_{unit.of}{letter}" if letter else ""
    return f"-{name}" if hypothesis.new and name.endswith("z") else name


def _drawn(parts: Sequence[Part], forward: Forward) -> dict[Unit, Array]:
    """Return random numbers for every block."""
    rng, sizes = np.random.default_rng(0), forward.sizes
    shapes = {"x": (sizes.H, sizes.I), "h": (sizes.H, sizes.H), "b": (sizes.H,)}
    return {unit: rng.normal(0, 0.6, shapes[unit.of]) for part in parts for unit in part.units}


def _array(part: Part, given: Mapping[Unit, Array]) -> Array:
    """Return the array that a part lies in, of given blocks."""
    rows = [[given[Unit(part.number, gate, of)] for of in part.columns] for gate in range(part.gates)]
    if part.columns == ("b",):
        matrix = np.concatenate([row[0] for row in rows])
    else:
        matrix = np.vstack([np.hstack([block.reshape(len(block), -1) for block in row]) for row in rows])
    return value(Ran(names={"np": np, "matrix": matrix}), part.laid.format("matrix"))
