"""The plan of a run, as workers send it to the controller: which tests stand for which case and subject."""

from msgspec import Struct

from conformance.record import Environment


class Planned(Struct, frozen=True, kw_only=True):
    """One test, and the case and subject that it stands for."""

    test: str
    case: str
    subject: str


class Plan(Struct, frozen=True, kw_only=True):
    """All tests that examine something, in the order of their definition.

    `suites` names what they are from, `partial` tells whether others of these were left out, `stale` the expected
    failures (by place in their file) that match nothing, `environment` where cases were run, None where none was.
    """

    suites: list[str]
    descriptions: dict[str, str]
    tests: list[Planned]
    partial: bool
    stale: list[int]
    environment: Environment | None
