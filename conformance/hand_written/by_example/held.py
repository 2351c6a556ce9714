"""A step that was moved along its parameters, held against what may be its loss.

The number whose derivatives are one constant times ⟨update, v⟩ for most parameters is the loss. Where none is, the
product of two arrays of one shape may be, as ⟨dL/dy, y⟩ is; and where not even that is seen, the updates are gradients
of one function if their Jacobian is symmetric.
Where an update isn't its gradient times a constant, the gradient is looked for among what was computed, and the rule
by which the update is made of it; what has neither isn't called wrong unless others beside it are right.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from msgspec.structs import replace

from conformance.hand_written.by_example.findings import (
    BY_ANOTHER_RULE,
    OF_NONE,
    OPEN,
    RATES_OF_THEIR_OWN,
    UPHILL,
    ByItsLoss,
)
from conformance.hand_written.by_example.moved import DIRECTIONS, Moved
from conformance.hand_written.by_example.slopes import (
    SAME,
    WITHIN,
    Slope,
    alike,
    are_symmetric,
    commonest,
    ratio_of,
)
from conformance.hand_written.by_example.training import WIDE
from conformance.hand_written.by_example.watching import AT_THE_END, Key, Recording
from conformance.hand_written.calling.backwards.rules import rule_between
from conformance.hand_written.calling.hints.names import CALLED_A_LOSS
from refrnn import Array

MOST_PRODUCTS = 2_000
"""Products of two arrays that may be the loss."""


class Held:
    """A step that was moved along its parameters, held against what may be its loss."""

    def __init__(self, moved: Moved) -> None:
        self.moved = moved
        self.values, self.moves, self.updates = moved.values, moved.moves, moved.updates
        self.base, self.same = moved.base, moved.same

    def goes_as_a_whole(self) -> ByItsLoss:
        """Hold the whole update against what is called a loss: its gradient times a constant, or open."""
        named = {key: self._rate_by(key) for key in self.same.numbers if is_called_a_loss(_in_words(key))}
        rates = {key: rate for key, rate in named.items() if rate is not None}
        if not rates:
            return OPEN
        loss = min(rates, key=lambda key: rates[key])
        return _told("right", _as_a_loss(loss), list(self.values), (), (), _on_rates([rates[loss]]))

    def _rate_by(self, key: Key) -> float | None:
        """Return the constant by which the whole update is the gradient of a number, None where it isn't."""
        moves = [_as_one([move[n] for move in self.moves.values()]) for n in range(DIRECTIONS)]
        slope = self.moved.slope_of_all(key, self.same.numbers[key])
        whole = _as_one(list(self.updates.values()))
        return ratio_of(whole, moves, slope) if slope is not None and slope.clear else None

    def sees(self, loss: str, other: Recording) -> bool:
        """Tell whether a loss is another number in another run."""
        keys = [key for key in self.same.numbers if _as_a_loss(key) == loss]
        return any(other.numbers.get(key, self.same.numbers[key]) != self.same.numbers[key] for key in keys)

    def numbers(self) -> Iterator[tuple[str, dict[str, Slope]]]:
        """Yield the numbers that may be the loss, with their derivatives along each parameter."""
        for key, number in self.same.numbers.items():
            if key[2] in self.base.final:
                continue  # a parameter of one element, or what an optimizer remembers of one
            yield _as_a_loss(key), self.moved.slopes_of(key, number)

    def denied(self) -> tuple[str, ...]:
        """Return what is called a loss, of whose gradient the update clearly isn't made, even where it is cut off."""
        if any(map(_is_cut_off, self.updates.values())):
            return ()
        named = [key for key in self.same.numbers if is_called_a_loss(_in_words(key))]
        other = {_as_a_loss(key) for key in named if not self._denies(key)}
        return tuple(dict.fromkeys(loss for key in named if (loss := _as_a_loss(key)) not in other))

    def _denies(self, key: Key) -> bool:
        if self._rate_by(key) is not None:
            return False
        slopes = self.moved.slopes_of(key, self.same.numbers[key])
        scale = max((float(np.abs(s.value).max()) for s in slopes.values()), default=0.0)
        known = all(s.clear or s.is_still(scale) for s in slopes.values())
        if not scale > 0 or len(slopes) < len(self.values) or not known:
            return False
        return self.against(_as_a_loss(key), slopes, 1).verdict != "right"

    def computes_a_loss(self) -> bool:
        """Tell whether a number is called a loss and depends on parameters: then no other one speaks in its place."""
        named = ((loss, slopes) for loss, slopes in self.numbers() if is_called_a_loss(loss))
        return any(s.clear and np.any(s.value) for _, slopes in named for s in slopes.values())

    def products(self) -> Iterator[tuple[str, dict[str, Slope]]]:
        """Yield the products of two arrays of one shape that may be the loss, with their derivatives."""
        count = 0
        by_shape: dict[tuple[int, ...], list[Key]] = {}
        for key in self.same.arrays:
            by_shape.setdefault(self.same.arrays[key].shape, []).append(key)
        for output in self.moved.outputs:
            for handed in by_shape[self.same.arrays[output].shape]:
                if handed != output and self.base.when[handed] >= self.base.when[output]:
                    count += 1
                    if count > MOST_PRODUCTS:
                        return
                    yield self._product(handed, output)

    def _product(self, handed: Key, output: Key) -> tuple[str, dict[str, Slope]]:
        """Return ⟨handed, output⟩ as a loss in which what is handed on is held still."""
        weights = self.same.arrays[handed]
        size = float(np.abs(weights * self.same.arrays[output]).sum())
        slopes = self.moved.slopes_of(output, size, weights)
        return f"⟨{_in_words(handed)}, {_in_words(output)}⟩", slopes

    def of_some_loss(self) -> ByItsLoss:
        """Tell whether the updates are gradients of one function, whichever it is."""
        blocks = {(p, q): self.moved.jacobian(p, q) for p in self.values for q in self.values}
        symmetric = are_symmetric(blocks)
        if symmetric is False:
            return replace(OPEN, notes=(OF_NONE,))
        if not symmetric or not _is_a_network(list(self.values.values())):
            return OPEN
        return _told("right", "", list(self.values), (), (), ())

    def against(self, loss: str, slopes: Mapping[str, Slope], fewest: int) -> ByItsLoss:
        """Hold the update against one loss.

        So few parameters, one of them a matrix, must move as they should where others are said not to.
        """
        scale = max((float(np.abs(s.value).max()) for s in slopes.values()), default=0.0)
        if len(slopes) < len(self.values) or not scale > 0:
            return OPEN
        if not all(s.clear or s.is_still(scale) for s in slopes.values()):
            return OPEN
        idle = [path for path, s in slopes.items() if s.is_still(scale)]
        if any(np.any(self.updates[path]) for path in idle):
            return OPEN  # it doesn't see all that the update goes by
        ratios = {
            path: ratio_of(self.updates[path], self.moves[path], s)
            for path, s in slopes.items()
            if path not in idle
        }
        known = {path: ratio for path, ratio in ratios.items() if ratio is not None}
        common = commonest(list(known.values()))
        right = [path for path, ratio in known.items() if self._is_right(path, ratio, common)]
        left = [path for path in ratios if path not in right]
        if not _is_a_network([self.values[path] for path in ratios]):
            return OPEN  # the rest of it lies where nothing was seen
        if not left and self._have_rates_of_limits(known):
            return _told("right", loss, right, (), idle, _on_rates(list(known.values())))
        if not left:
            return replace(OPEN, notes=(RATES_OF_THEIR_OWN,))
        rule, mistaken = self._rule(slopes, list(ratios), right)
        if rule:
            others = [path for path in ratios if path not in mistaken]
            note = f"Its update is made of its gradients {rule}."
            return _told("wrong" if mistaken else "right", loss, others, mistaken, idle, (note,))
        return self._of_what_is_left(loss, slopes, right, common, idle, fewest)

    def _of_what_is_left(
        self,
        loss: str,
        slopes: Mapping[str, Slope],
        right: Sequence[str],
        rate: float,
        idle: Sequence[str],
        fewest: int,
    ) -> ByItsLoss:
        """Judge the parameters that don't move by their gradients, nor by a rule known here, where others do."""
        several = [path for path in slopes if self.values[path].size > 1]  # one element is right by any rate
        telling = [path for path in right if path in several]
        left = [path for path in several if path not in right and path not in idle]
        if not left or len(telling) < fewest or not any(self.values[path].ndim > 1 for path in telling):
            return OPEN
        wrong = [path for path in left if not self._decays(path, slopes[path], rate)]
        if not wrong and any(self.values[path].ndim > 1 for path in left):
            return _told("right", loss, [*right, *left], (), idle, ("Its update has weight decay.",))
        if not wrong:
            return _told("wrong", loss, right, left, idle, ("Biases decay, which its loss doesn't say.",))
        if self._gradients(slopes, wrong) or any(_is_cut_off(self.updates[path]) for path in wrong):
            return replace(OPEN, notes=(BY_ANOTHER_RULE,))
        return _told("wrong", loss, right, wrong, idle, ())

    def _is_right(self, path: str, ratio: float, common: float) -> bool:
        """Tell whether an update is the gradient times a rate; of a single number any is that, of its own sign."""
        return alike(ratio, common) or (self.values[path].size > 1 and ratio * common > 0)

    def _have_rates_of_limits(self, rates: Mapping[str, float]) -> bool:
        """Tell whether all rates are one, or those below the largest are what brings several updates to one norm."""
        top = max(rates.values(), key=abs)
        norms = [float(np.linalg.norm(self.updates[path])) for path, r in rates.items() if not alike(r, top)]
        return not norms or (len(norms) > 1 and max(norms) - min(norms) <= SAME * max(norms))

    def _rule(
        self, slopes: Mapping[str, Slope], paths: Sequence[str], plain: Sequence[str]
    ) -> tuple[str, list[str]]:
        """Return the rule by which updates are made of arrays that were computed, and the parameters of wrong ones.

        The rule is that of the gradients which are right, where not all of these are `plain`, times a rate; the others
        must be made of something by the same one.
        """
        right = self._gradients(slopes, paths)
        if not any(g.ndim > 1 for g in right.values()) or set(right) <= set(plain):
            return "", []
        rule = self._rule_of(right)
        mistaken = [path for path in paths if path not in right]
        for path in mistaken if rule else ():
            if not any(self._rule_of({**right, path: array}) == rule for array in self._of_its_shape(path)):
                return "", []
        return rule, mistaken

    def _rule_of(self, gradients: Mapping[str, Array]) -> str:
        updates = {path: -self.updates[path] for path in gradients}
        weights = {path: self.values[path] for path in gradients}
        return rule_between(gradients, updates, weights, self.base.final.values())

    def _of_its_shape(self, path: str) -> Iterator[Array]:
        """Yield the arrays that were computed and have a parameter's shape, or that transposed."""
        shape = self.values[path].shape
        for array in self.same.arrays.values():
            if array.shape == shape:
                yield array
            if array.ndim > 1 and array.T.shape == shape:
                yield array.T

    def _gradients(self, slopes: Mapping[str, Slope], paths: Sequence[str]) -> dict[str, Array]:
        """Return the arrays that were computed and are gradients of the loss, times the constant that most share."""
        found = {
            path: [
                (ratio, array)
                for array in self._of_its_shape(path)
                if (ratio := ratio_of(array, self.moves[path], slopes[path])) is not None
            ]
            for path in paths
        }
        constants = [ratio for rows in found.values() for ratio, _ in rows]
        if not constants:
            return {}

        def shared(constant: float) -> tuple[int, float]:
            count = sum(any(alike(ratio, constant) for ratio, _ in rows) for rows in found.values())
            return count, -abs(constant - 1)

        common = max(constants, key=shared)
        known = {
            path: next((array for ratio, array in rows if alike(ratio, common)), None)
            for path, rows in found.items()
        }
        return {path: array for path, array in known.items() if array is not None}

    def _decays(self, path: str, slope: Slope, rate: float) -> bool:
        """Tell whether an update is the gradient and a share of the parameter itself, which makes it smaller."""
        rest = (
            np.array([float(np.vdot(self.updates[path], v)) for v in self.moves[path]]) - rate * slope.value
        )
        own = np.array([float(np.vdot(self.values[path], v)) for v in self.moves[path]])
        shares = rest / own
        error = np.abs(rate) * WITHIN * slope.error / np.abs(own) + SAME * np.abs(shares)
        return bool(np.ptp(shares) <= error.max() and shares.max() < 0)


def _as_one(arrays: Sequence[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _on_rates(rates: Sequence[float]) -> tuple[str, ...]:
    """Return what is to be told of the constants by which updates are gradients."""
    uphill = (UPHILL,) if rates and rates[0] > 0 else ()
    several = not all(alike(rate, rates[0]) for rate in rates)
    return (
        *uphill,
        *(("Each parameter has a rate of its own, as a limit on norms gives it.",) if several else ()),
    )


def is_called_a_loss(number: str) -> bool:
    """Tell whether one of the words by which a number is told is the name of a loss: its own, or its function's.

    What a function called a loss works with is none, what it returns is.

    >>> is_called_a_loss("the number cost in fit"), is_called_a_loss("the number result[0] in loss")
    (True, True)
    >>> is_called_a_loss("the number self.lr in fit"), is_called_a_loss("the number w in loss")
    (False, False)
    """
    path, within, function = number.removeprefix("the number ").rpartition(" in ")
    named = function if not within or path.startswith("result") else ""
    return any(CALLED_A_LOSS.fullmatch(word) for word in re.findall(r"\w+", f"{path} {named}"))


def is_to_fall(number: str) -> bool:
    """Tell whether a number is called a loss that training makes smaller; an objective may be one to make larger.

    >>> is_to_fall("the number cost in fit"), is_to_fall("the number objective in fit")
    (True, False)
    """
    return is_called_a_loss(number) and re.search("objective|criterion", number, re.IGNORECASE) is None


def _is_cut_off(update: Array) -> bool:
    """Tell whether several elements of an update are as large as any, as where it is cut off."""
    top = np.abs(update).max()
    return bool(top > 0 and np.sum(np.abs(update) == top) > 1)


def _is_a_network(parameters: Sequence[Array]) -> bool:
    """Tell whether the parameters of a recurrent network are among some: matrices, or all of them in a vector.

    Two matrices are enough; with one alone, of which others may be rows and columns, it takes three.
    """
    wide = any(value.ndim == 1 and value.size >= WIDE for value in parameters)
    matrices = sum(value.ndim > 1 for value in parameters)
    whole = sum(value.ndim > 1 and min(value.shape) > 1 for value in parameters)
    return whole > 1 or (whole == 1 and matrices > 2) or (wide and len(parameters) == 1)


def _told(
    verdict: Literal["right", "wrong"],
    loss: str,
    right: Sequence[str],
    wrong: Sequence[str],
    idle: Sequence[str],
    notes: tuple[str, ...],
) -> ByItsLoss:
    return ByItsLoss(
        verdict=verdict, loss=loss, right=tuple(right), wrong=tuple(wrong), idle=tuple(idle), notes=notes
    )


def _as_a_loss(key: Key) -> str:
    return f"the number {_in_words(key)}"


def _in_words(key: Key) -> str:
    """Return where something was computed."""
    function, _, path = key
    return path if function == AT_THE_END else f"{path} in {function}"
