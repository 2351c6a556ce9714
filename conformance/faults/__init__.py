"""How hand-written networks go wrong: a catalogue of faults, simulated at the seams where they arise."""

from conformance.faults.catalogue import CATALOGUE as CATALOGUE
from conformance.faults.catalogue import load_fault as load_fault
from conformance.faults.fault import Fault as Fault
from conformance.faults.mutant import Mutant as Mutant
from conformance.faults.mutant import choices_of as choices_of
from conformance.faults.seams import RIGHT as RIGHT
from conformance.faults.seams import Choices as Choices
from conformance.faults.simulate import simulate as simulate

__all__ = ["CATALOGUE", "RIGHT", "Choices", "Fault", "Mutant", "choices_of", "load_fault", "simulate"]
