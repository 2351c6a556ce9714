"""Malformed input for every door of the two packages: what each target does is told in its module."""

from collections.abc import Callable, Mapping

from fuzz.adapters import examined_adapter
from fuzz.case_ids import parsed_id
from fuzz.choices import Outcome
from fuzz.notebooks import loaded_notebook
from fuzz.problems import computed_problem
from fuzz.records import read_record

TARGETS: Mapping[str, Callable[[bytes], Outcome]] = {
    "case ids": parsed_id,
    "problems": computed_problem,
    "records": read_record,
    "notebooks": loaded_notebook,
    "adapters": examined_adapter,
}
"""A function of bytes for each kind of input; it raises where ours did wrong, and else tells how it ended."""
