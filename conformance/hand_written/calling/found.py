"""What a search for ways of calling came to so far, and which of those ways hide what another one shows."""

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from conformance.hand_written.calling.backwards.beside import Beside
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.building.construct import Built
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.search import Searching, is_unlikely
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.scope import is_an_entry


class Found(Struct):
    """What a search came to so far."""

    searching: Searching
    most_calls: float = math.inf  # of foreign code, after which no further ways are tried
    backwards: list[Backward] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)
    mistaken: list[Forward] = field(default_factory=list)  # loops over time that are recognised by a mistake
    standing_alone: list[Backward] = field(default_factory=list)  # without a forward pass of the code
    raised: list[Backward] = field(default_factory=list)  # that failed by a mistake of their own
    attempts: list[Attempt] = field(default_factory=list)
    built: Built | None = None  # the likeliest of what holds its weights
    made_up: bool = False  # whether functions were handed weights of cells with gates
    others: Beside = field(
        default_factory=Beside
    )  # the other passes of a network that is right by its own truth
    cut_short: bool = False  # whether its calls were spent before every other way was tried

    @property
    def broken(self) -> list[Forward]:
        """What fails by a mistake of its own however it is called, and however the network is built."""
        ran = {forward.call for forward in self.searching.ran}
        return [forward for forward in self.searching.raised if forward.call not in ran]

    def hopeless(self, loaded: Loaded) -> bool:
        """Tell whether what was asked about speaks of a variable that there isn't, however the network is built."""
        return not self.forwards and any(
            type(forward.ran.error) is NameError and is_an_entry(loaded, forward.call)
            for forward in self.broken
        )

    @property
    def settled(self) -> Iterator[Forward]:
        """The forward passes whose backward pass gave every gradient."""
        return (b.forward for b in self.backwards if len(b.harvest.expressions) == len(b.slots))

    def is_needless(self, call: str, function: Any) -> bool:
        """Tell whether a callable needn't be tried as a forward pass, by what was found so far.

        It is a part of one, or it goes by another name and calls one itself, or all is found already.
        """
        parts = {part for forward in self.settled for part in forward.ran.seen if part != _name(forward)}
        if call.rpartition(".")[2] in parts:
            return True
        code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
        called = () if code is None else code.co_names
        known = {_name(forward) for forward in self.forwards if forward.complete}
        return is_unlikely(self.searching.loaded, call) and (
            bool(self.backwards) or not known.isdisjoint(called)
        )


def takes_every_step(found: Found, backward: Backward) -> bool:
    """Tell whether a backward pass that was asked for the last step alone is known to take every step.

    The gradient of the head is right only if the loss was taken at the steps that it was asked for. And where a forward
    pass gives outputs of every step, a backward pass that gives every gradient for as many takes no fewer.
    """
    if not backward.entry.last or backward.wrong == 0:
        return False
    same = [b for b in found.backwards if b.call == backward.call and not b.entry.last]
    return any(_head_is_right(b) or len(b.harvest.expressions) == len(b.slots) for b in same)


def _head_is_right(backward: Backward) -> bool:
    """Tell whether the gradient of the head's weights is right, up to a constant."""
    return any("W_hy" in slot.roles and slot.path in backward.harvest.right for slot in backward.slots)


def is_backward(backward: Backward) -> bool:
    """Tell whether a backward pass is called like one and gave every gradient."""
    name = backward.call.rpartition(".")[2]
    return names.BACKWARD.fullmatch(name) is not None and len(backward.harvest.expressions) == len(
        backward.slots
    )


def of_one_sample(found: Found, backward: Backward) -> bool:
    """Tell whether gradients may be right just because one sample was asked of code that takes a batch."""
    if any("per example" in note for note in backward.harvest.notes):
        return True
    form = backward.forward.inputs.form
    same = (b for b in found.backwards if b.forward.call == backward.forward.call and b.call == backward.call)
    batches = [b for b in same if b.forward.inputs.batched]
    if any(b.harvest.apart or sums_some_biases(b) for b in batches):
        return not backward.forward.inputs.batched
    batched = any(b.harvest.rows for b in batches)
    return batched and form is not None and form.container == "array" and len(form.axes) == 3


def sums_some_biases(backward: Backward) -> bool:
    """Tell whether one bias is summed over the batch and another isn't, by code that knows batches therefore."""
    biases = [slot.path for slot in backward.slots if "W" not in "".join(slot.roles)]
    return backward.harvest.rows and any(path in backward.harvest.right for path in biases)


def hides_the_batch(forward: Forward, known: Sequence[Forward]) -> bool:
    """Tell whether this is a batch of one for code that takes any batch: it would hide what goes wrong over samples.

    Code that takes one step of x after the other may well be meant for rows or columns of one sample.
    """
    form = forward.inputs.form
    if form is None or form.container != "array" or "1" not in form.axes or form.axes.find("T") < 1:
        return False
    batched = form.axes.replace("1", "B")
    same = [f.inputs.form for f in known if f.call == forward.call and f.inputs.form is not None]
    return any(each.axes == batched for each in same)


def wraps_another(forward: Forward, found: Found) -> bool:
    """Tell whether this only calls a forward pass whose backward pass is known: it has no other gradients."""
    known = {_name(each) for each in found.settled}
    return not known.isdisjoint(forward.ran.seen.keys() - {_name(forward)})


def _name(forward: Forward) -> str:
    return forward.call.rpartition(".")[2]


def hides_the_head(forward: Forward, known: Sequence[Forward]) -> bool:
    """Tell whether this is a network without the head that it is known to have."""
    return not forward.sizes.O and any(f.call == forward.call and f.sizes.O for f in known)


def kind_of(forward: Forward) -> tuple[str, bool, str]:
    """Return what makes two forward passes alike but for their layouts."""
    shown = forward.outputs
    return forward.call, forward.inputs.batched, "" if shown is None else shown.quantity
