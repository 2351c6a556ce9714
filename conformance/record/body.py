"""What all parts of a record share, and numbers as JSON can hold them."""

import math
from typing import Literal

import msgspec

from conformance.record.numbers import round_up

Number = float | Literal["nan", "inf", "-inf"]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a record share: values, named fields, nothing unknown."""


def number(value: float) -> Number:
    """Return `value` as JSON can hold it, rounded up to four significant digits: never towards innocence."""
    return exact(round_up(value, 4))


def exact(value: float) -> Number:
    """Return `value` as JSON can hold it, with every digit."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
