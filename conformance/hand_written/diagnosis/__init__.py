"""What is wrong with a hand-written network: faults whose simulated gradients are the shown ones to rounding."""

from conformance.hand_written.diagnosis.diagnose import diagnose as diagnose
from conformance.hand_written.diagnosis.diagnosis import Diagnosis as Diagnosis
from conformance.hand_written.diagnosis.diagnosis import FaultId as FaultId
from conformance.hand_written.diagnosis.diagnosis import Suspect as Suspect
from conformance.hand_written.diagnosis.evidence import Evidence as Evidence
from conformance.hand_written.diagnosis.evidence import Probe as Probe
from conformance.hand_written.diagnosis.stacks import diagnose_stack as diagnose_stack
from conformance.hand_written.diagnosis.suspects import Trial as Trial
from conformance.hand_written.diagnosis.suspects import suspects as suspects

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
