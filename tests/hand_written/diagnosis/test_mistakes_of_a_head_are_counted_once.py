"""How many mistakes a reading of the head has: the same one for weight and bias is one."""

import numpy as np
import pytest

from conformance.cases.head import HEAD_BIAS
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.heads import _biases, mistakes
from refrnn import Array

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


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ({}, ("own",)),
        ({HEAD_BIAS: np.arange(5.0)}, ("own",)),
        ({HEAD_BIAS: np.ones(5)}, ("own", "over units")),
        ({HEAD_BIAS: np.arange(15.0).reshape(3, 5)}, ("own", "per row")),
    ],
)
def test_the_form_of_a_bias_gradient_tells_what_may_have_become_of_it(
    shown: dict[str, Array], told: tuple[str, ...]
) -> None:
    assert _biases(shown) == told
