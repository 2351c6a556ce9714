"""What is wrong with a hand-written network: faults whose simulated gradients are the shown ones to rounding."""

from conformance.diagnose.diagnose import diagnose as diagnose
from conformance.diagnose.diagnosis import Diagnosis as Diagnosis
from conformance.diagnose.diagnosis import FaultId as FaultId
from conformance.diagnose.diagnosis import Suspect as Suspect
from conformance.diagnose.evidence import Evidence as Evidence
from conformance.diagnose.evidence import Probe as Probe
from conformance.diagnose.stacks import diagnose_stack as diagnose_stack
from conformance.diagnose.suspects import Trial as Trial
from conformance.diagnose.suspects import suspects as suspects

__all__ = [
    "Diagnosis",
    "Evidence",
    "FaultId",
    "Probe",
    "Suspect",
    "Trial",
    "diagnose",
    "diagnose_stack",
    "suspects",
]
