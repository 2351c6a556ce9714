"""The record: versioned JSON that holds everything a report shows, and nothing large.

Bodies are deterministic: the same cases on the same machine give the same bytes, whatever the number of workers.
What can't be (environments and timings) stands in blocks of its own. Numbers that JSON can't hold
are the strings "nan", "inf" and "-inf"; `float` reads them all back.
"""

from conformance.record.body import Body as Body
from conformance.record.body import Number as Number
from conformance.record.body import exact as exact
from conformance.record.body import number as number
from conformance.record.case import FREE_RUN as FREE_RUN
from conformance.record.case import SHARE_STEPS as SHARE_STEPS
from conformance.record.case import CaseRecord as CaseRecord
from conformance.record.case import DistanceRecord as DistanceRecord
from conformance.record.case import DivergenceRecord as DivergenceRecord
from conformance.record.case import QuantityRecord as QuantityRecord
from conformance.record.case import RulingRecord as RulingRecord
from conformance.record.case import Scale as Scale
from conformance.record.case import Timing as Timing
from conformance.record.case import Verdict as Verdict
from conformance.record.evidence import ContractRecord as ContractRecord
from conformance.record.evidence import LackRecord as LackRecord
from conformance.record.evidence import MutantRecord as MutantRecord
from conformance.record.evidence import PowerRecord as PowerRecord
from conformance.record.evidence import ProfileRecord as ProfileRecord
from conformance.record.evidence import Scales as Scales
from conformance.record.run import SCHEMA as SCHEMA
from conformance.record.run import Environment as Environment
from conformance.record.run import Library as Library
from conformance.record.run import Record as Record
from conformance.record.text import decode as decode
from conformance.record.text import encode as encode
from conformance.record.text import schema as schema

__all__ = [
    "FREE_RUN",
    "SCHEMA",
    "SHARE_STEPS",
    "Body",
    "CaseRecord",
    "ContractRecord",
    "DistanceRecord",
    "DivergenceRecord",
    "Environment",
    "LackRecord",
    "Library",
    "MutantRecord",
    "Number",
    "PowerRecord",
    "ProfileRecord",
    "QuantityRecord",
    "Record",
    "RulingRecord",
    "Scale",
    "Scales",
    "Timing",
    "Verdict",
    "decode",
    "encode",
    "exact",
    "number",
    "schema",
]
