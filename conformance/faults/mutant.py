"""Mutants: faults of the catalogue as subjects, to be judged like any other implementation."""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import Struct, structs

from conformance.cases import Problem
from conformance.errors import UsageError
from conformance.faults.fault import Fault
from conformance.faults.seams import RIGHT, Choices
from conformance.faults.simulate import simulate
from conformance.subjects.observation import Observation


class Mutant(Struct, frozen=True):
    """A network with one fault.

    Without its inner steps it shows what a black box shows: output, h_n and the gradients of parameters, x and h_0.
    """

    fault: Fault
    inner_steps: bool = True

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"mutant:{self.fault.id}"

    @property
    def description(self) -> str:
        """What is wrong with it."""
        return self.fault.name

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward with the fault.

        Raises
        ------
        Unsupported
            If the fault has no meaning in this case; the message says why.
        """
        observation = simulate(problem, choices_of([self.fault]))
        return observation if self.inner_steps else results_only(observation)


def choices_of(faults: Iterable[Fault]) -> Choices:
    """Return the choices of a network that has all of these faults.

    Raises
    ------
    UsageError
        If two of them are different choices at one seam, which no network can make at once.
    """
    chosen: dict[str, str] = {}
    for fault in faults:
        for seam, choice in fault.choices.items():
            if chosen.setdefault(seam, choice) != choice:
                message = (
                    f"{fault.id!r} chooses {choice!r} at the seam {seam!r}, where another fault chooses "
                    f"{chosen[seam]!r}; leave one of them out."
                )
                raise UsageError(message)
    return structs.replace(RIGHT, **chosen)  # pyright: ignore[reportArgumentType]: checked by Choices


def results_only(observation: Observation) -> Observation:
    """Return what a black box shows of `observation`."""
    return replace(
        observation, hidden={}, d_hidden={}, d_pre={}, inner={}, d_inner={}, d_passed={}, step_parameters={}
    )
