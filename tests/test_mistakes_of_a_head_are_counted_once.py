"""How many mistakes a reading of the head has: the same one for weight and bias is one."""

import pytest

from conformance.diagnose.axes import Change
from conformance.diagnose.heads import mistakes

COUNTED: list[tuple[Change, int]] = [
    ({}, 0),
    ({"head_read": "last"}, 1),
    ({"reduce_head": "mean"}, 1),
    ({"reduce_head_bias": "mean"}, 1),
    ({"reduce_head": "mean", "reduce_head_bias": "mean"}, 1),
    ({"reduce_head": "mean", "reduce_head_bias": "first step"}, 2),
    ({"reduce_head": "mean", "reduce_head_bias": "mean", "head_read": "last"}, 2),
]


@pytest.mark.parametrize(("change", "count"), COUNTED, ids=str)
def test_the_same_mistake_of_weight_and_bias_is_one(change: Change, count: int) -> None:
    assert mistakes(change) == count
