"""The catalogue: every fault by its id, in the order of the data flow.

Most of them were met in public hand-written networks, often several at once. Entries stand in seven files: the
forward pass, the head, what enters the backward loop, what it carries, the gradients of parameters, what scales them,
and layers, directions and batches. An id, once given, keeps its meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType

from conformance.errors import UsageError
from conformance.faults.catalogue_backward import BACKWARD
from conformance.faults.catalogue_carry import CARRY
from conformance.faults.catalogue_forward import FORWARD
from conformance.faults.catalogue_gradients import GRADIENTS
from conformance.faults.catalogue_head import HEAD
from conformance.faults.catalogue_scale import SCALE
from conformance.faults.catalogue_stack import STACK
from conformance.faults.fault import Fault

CATALOGUE: Mapping[str, Fault] = MappingProxyType(
    {fault.id: fault for fault in (*FORWARD, *HEAD, *BACKWARD, *CARRY, *GRADIENTS, *SCALE, *STACK)}
)
"""Every fault by its id."""


def sentences() -> dict[str, str]:
    """Return what each fault is by its id: those of the catalogue first, then those of LSTMs and GRUs."""
    from conformance.faults.cell_mutants import CELL_FAULTS

    of_cells = {name: sentence for faults in CELL_FAULTS.values() for name, sentence in faults.items()}
    return {fault.id: fault.name for fault in CATALOGUE.values()} | of_cells


def load_fault(fault_id: str) -> Fault:
    """Return the fault called `fault_id`.

    Raises
    ------
    UsageError
        If the catalogue has none of that id; the message names the nearest ones.
    """
    if fault_id not in CATALOGUE:
        from difflib import get_close_matches

        known = list(sentences())
        near = get_close_matches(fault_id, known, n=3, cutoff=0.4) or known[:3]
        nearest = "the nearest id is" if len(near) == 1 else "the nearest ids are"
        message = f"There is no fault {fault_id!r}; {nearest} {', '.join(near)}."
        raise UsageError(message)
    return CATALOGUE[fault_id]
