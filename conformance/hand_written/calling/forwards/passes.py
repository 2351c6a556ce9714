"""A forward pass that ran: how it was called, what its arrays are, and what of its results was recognised."""

import inspect
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.cases import Case
from conformance.hand_written.calling.asking import Question
from conformance.hand_written.calling.building.construct import Built, callable_of
from conformance.hand_written.calling.hints.arguments import Arguments
from conformance.hand_written.calling.hints.inputs import Inputs
from conformance.hand_written.calling.loading.load import SIZES
from conformance.hand_written.calling.running.program import Ran, value
from conformance.hand_written.calling.values.matching import Match
from conformance.hand_written.calling.values.slots import Sizes, Slot

ASKED = Sizes(SIZES["I"], SIZES["H"], SIZES["O"])
LOSS = "loss"
"""What is shown where a network gives nothing but its loss."""

QUANTITIES = ("y", "softmax(y)", "log softmax(y)", "sigmoid(y)", "tanh(y)", LOSS, "h")


class Forward(Struct, frozen=True, kw_only=True):
    """A forward pass that ran, and what of it was recognised."""

    built: Built
    call: str
    inputs: Inputs
    arguments: Arguments
    slots: tuple[Slot, ...]
    sizes: Sizes
    asked: Question
    ran: Ran
    matches: tuple[Match, ...] = ()
    fills: dict[str, str] = field(default_factory=dict)  # weights that are arguments: what each role is given
    meaning: dict[str, str] = field(default_factory=dict)  # and which argument is which role
    loop: tuple[str, ...] = ()  # the loop over time around a callable that takes one step
    starts: tuple[str, ...] = ()  # the lines that make the states from which that begins
    following: tuple[str, ...] = ()  # where in the result of one step the next state is, and the next memory
    fault: str = ""  # the mistake in it under which its outputs are recognised
    given: str = ""  # what stands for its result where the code has none, and it is the reference's

    @property
    def trains(self) -> bool:
        """Whether its weights are others afterwards: it isn't a forward pass alone, and none comes after it."""
        names = Ran(names={"np": np, "p": self.asked.p})
        return any(
            not np.array_equal(now, value(names, slot.fill).astype(now.dtype))
            for slot in self.slots
            if slot.roles[0].startswith("W_")  # a state of its own may well be another one
            for now in (np.asarray(value(self.ran, slot.path)),)
        )

    @property
    def is_own(self) -> bool:
        """Whether it goes by its network's own parameters, since they are no known ones."""
        return any(slot.roles == (slot.path,) for slot in self.slots)

    @property
    def opening(self) -> tuple[str, ...]:
        """The lines that build the network, and make the states that a loop of ours begins from."""
        return (*self.built.setup.lines, *self.starts)

    @property
    def build(self) -> tuple[str, ...]:
        """The lines that build the network and give it its weights."""
        return (*self.opening, *(f"{slot.path}[...] = {slot.fill}" for slot in self.slots))

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that call the forward pass."""
        if self.loop:
            return (f"x = {self.inputs.text}", *self.loop)
        if self.given:
            return (f"x = {self.inputs.text}", f"result = {self.given}")
        called = f"{self.call}({self.arguments.text})"
        yields = inspect.isgeneratorfunction(self.function(self.call))
        return (f"x = {self.inputs.text}", f"result = {f'list({called})' if yields else called}")

    def function(self, call: str) -> Any:
        """Return the callable behind the expression of a call: one of the owner's, or one that this pass returned.

        There is None behind a pass that isn't the code's.
        """
        if self.given and call == self.call:
            return None
        return value(self.ran, call) if call.startswith("result[") else callable_of(self.built, call)

    def best(self, *quantities: str) -> Match | None:
        """Return the best match of some quantities: every step, in what forward returned."""
        return next(iter(self.ranked(*quantities)), None)

    def ranked(self, *quantities: str) -> list[Match]:
        """Return the matches of some quantities, the best first."""
        found = [m for m in self.matches if m.quantity in quantities]
        return sorted(found, key=lambda match: _rank(match, self.asked.case.steps))

    @property
    def outputs(self) -> Match | None:
        """What the loss sees: y or what is made of it, without a head h."""
        return self.best(*QUANTITIES[:-1]) or (self.best("h") if not self.sizes.O else None)

    @property
    def complete(self) -> bool:
        """Whether what the loss sees is right at every step that is shown, of a network of more than one unit.

        With one, W_hh is a number: no product with it is the wrong way round.
        """
        shown = self.outputs
        right = shown is not None and (shown.last or shown.right == self.asked.case.steps)
        return right and self.asked.case.hidden_size > 1


def _rank(match: Match, steps: int) -> tuple[Any, ...]:
    """Rank every step right before the last one alone, that before a few right ones, and what was returned first."""
    place = ["result", "model", "params", "code", "seen"]
    root = next(
        (n for n, name in enumerate(place) if match.source.startswith((name, f"[element in {name}"))), 3
    )
    if "seen[" in match.source:
        root = 4
    return (
        -(match.right if match.right == steps else 1.5 if match.last else match.right / steps),
        root == 4,
        QUANTITIES.index(match.quantity) if match.quantity in QUANTITIES else len(QUANTITIES),
        root,
        len(match.source),
    )


def case_of(
    sizes: Sizes,
    *,
    batched: bool,
    cell: str = "rnn",
    nonlinearity: str = "tanh",
    reset: str = "after",
    layers: int = 1,
    cotangents: str = "output",
    h_0: bool = False,
    steps: int = SIZES["T"],
) -> Case:
    """Return the case that is asked first: no h_0, weights of scale one half, the loss on every output."""
    return Case(
        cell=cell,  # pyright: ignore[reportArgumentType]
        reset=reset,  # pyright: ignore[reportArgumentType]
        nonlinearity=nonlinearity,  # pyright: ignore[reportArgumentType]
        layers=layers,
        steps=steps,
        batch=SIZES["B"] if batched else 1,
        layout="time-first" if batched else "unbatched",
        input_size=sizes.I,
        hidden_size=sizes.H,
        output_size=sizes.O,
        h_0=h_0,
        cotangents=cotangents,  # pyright: ignore[reportArgumentType]
        dtype="f64",
        regime="gain1.2",
    )


def parameter_slots(forward: Forward) -> tuple[Slot, ...]:
    """Return the parameters of the network, those given as arguments as slots too."""
    if forward.slots:
        return tuple(slot for slot in forward.slots if "h_0" not in slot.roles)
    return tuple(
        Slot(
            path=f"argument {role}",
            roles=(role,),
            fill=fill,
            read={role: _back(fill)},
            turned=".T" in fill,
            cost=0.0,
        )
        for role, fill in forward.fills.items()
    )


def _back(fill: str) -> str:
    """Return how a gradient laid out as `fill` is turned back."""
    if fill.endswith(".T"):
        return "{g}.T"
    return "{g}[:, 0]" if fill.endswith("[:, None]") else "{g}[0]" if fill.endswith("[None]") else "{g}"
