"""Cases: what is run, its ids, its data, and the suites that gather them."""

from conformance.cases.case import Case as Case
from conformance.cases.explore import PACKED_WORK as PACKED_WORK
from conformance.cases.explore import random_cases as random_cases
from conformance.cases.formats import FORMATS as FORMATS
from conformance.cases.formats import Format as Format
from conformance.cases.head import Head as Head
from conformance.cases.identifier import parse_id as parse_id
from conformance.cases.masks import can_be_drawn as can_be_drawn
from conformance.cases.networks import reference_network as reference_network
from conformance.cases.problem import Problem as Problem
from conformance.cases.problem import materialise as materialise
from conformance.cases.shard import Shard as Shard
from conformance.cases.suites import SUITES as SUITES
from conformance.cases.suites import Suite as Suite

__all__ = [
    "FORMATS",
    "PACKED_WORK",
    "SUITES",
    "Case",
    "Format",
    "Head",
    "Problem",
    "Shard",
    "Suite",
    "can_be_drawn",
    "materialise",
    "parse_id",
    "random_cases",
    "reference_network",
]
