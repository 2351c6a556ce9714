"""Edits of an expression reach the slope of tanh by what goes into it, and gates that have changed places."""

import ast

import pytest

from conformance.hand_written.mending.variants import SMALL, Reach, told, variants

NOTHING = Reach(values={}, terms={}, sizes=[], functions=[], loops=["t"], begins="")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("dh * o * (1 - c ** 2)", "dh * o * (1 - np.tanh(c) ** 2)"),
        ("np.hstack([d_f, d_i, d_g, d_o])", "np.hstack([d_i, d_f, d_g, d_o])"),
        ("np.vstack((a, b, c))", "np.vstack((c, b, a))"),
    ],
)
def test_an_edit_that_puts_nothing_new_in_mends_it(wrong: str, right: str) -> None:
    found = variants(ast.parse(wrong, mode="eval").body, NOTHING, limit=SMALL)
    assert right in {told(each.whole) for each in found}
