"""Cases: what is run, its ids, its data, and the suites that gather them."""

from typing import TYPE_CHECKING

from conformance.lazy import lazily

if TYPE_CHECKING:
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

_HOMES = {
    "FORMATS": "conformance.cases.formats",
    "PACKED_WORK": "conformance.cases.explore",
    "SUITES": "conformance.cases.suites",
    "Case": "conformance.cases.case",
    "Format": "conformance.cases.formats",
    "Head": "conformance.cases.head",
    "Problem": "conformance.cases.problem",
    "Shard": "conformance.cases.shard",
    "Suite": "conformance.cases.suites",
    "can_be_drawn": "conformance.cases.masks",
    "materialise": "conformance.cases.problem",
    "parse_id": "conformance.cases.identifier",
    "random_cases": "conformance.cases.explore",
    "reference_network": "conformance.cases.networks",
}

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

__getattr__, __dir__ = lazily(__name__, _HOMES)
