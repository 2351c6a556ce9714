"""Cross-check recurrent networks step by step against a clean reference."""

from typing import TYPE_CHECKING

from conformance.lazy import lazily

if TYPE_CHECKING:
    from conformance.cases import SUITES as SUITES
    from conformance.cases import Case as Case
    from conformance.cases import Problem as Problem
    from conformance.cases import materialise as materialise
    from conformance.cases import parse_id as parse_id
    from conformance.errors import ConformanceError as ConformanceError
    from conformance.errors import Unsupported as Unsupported
    from conformance.errors import UsageError as UsageError
    from conformance.examination.engine import examine as examine
    from conformance.hand_written.calling import Loss as Loss
    from conformance.hand_written.calling import Own as Own
    from conformance.hand_written.calling import handwritten as handwritten
    from conformance.hand_written.checking.api import Check as Check
    from conformance.hand_written.checking.api import assert_conforms as assert_conforms
    from conformance.hand_written.checking.api import check as check
    from conformance.record import CaseRecord as CaseRecord
    from conformance.report import tell as tell
    from conformance.subjects import load_subject as load_subject
    from conformance.subjects.observation import Observation as Observation
    from conformance.subjects.observation import Subject as Subject
    from conformance.subjects.time_major import TimeMajor as TimeMajor

_HOMES = {
    "SUITES": "conformance.cases",
    "Case": "conformance.cases",
    "CaseRecord": "conformance.record",
    "Check": "conformance.hand_written.checking.api",
    "ConformanceError": "conformance.errors",
    "Loss": "conformance.hand_written.calling",
    "Observation": "conformance.subjects.observation",
    "Own": "conformance.hand_written.calling",
    "Problem": "conformance.cases",
    "Subject": "conformance.subjects.observation",
    "TimeMajor": "conformance.subjects.time_major",
    "Unsupported": "conformance.errors",
    "UsageError": "conformance.errors",
    "assert_conforms": "conformance.hand_written.checking.api",
    "check": "conformance.hand_written.checking.api",
    "examine": "conformance.examination.engine",
    "handwritten": "conformance.hand_written.calling",
    "load_subject": "conformance.subjects",
    "materialise": "conformance.cases",
    "parse_id": "conformance.cases",
    "tell": "conformance.report",
}

__all__ = [
    "SUITES",
    "Case",
    "CaseRecord",
    "Check",
    "ConformanceError",
    "Loss",
    "Observation",
    "Own",
    "Problem",
    "Subject",
    "TimeMajor",
    "Unsupported",
    "UsageError",
    "assert_conforms",
    "check",
    "examine",
    "handwritten",
    "load_subject",
    "materialise",
    "parse_id",
    "tell",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
