"""Variants of expressions are evaluated as Python does, and written into a source as that expression and no other."""

import ast

import numpy as np
import pytest

from conformance.hand_written.mending.changes import Change, exchanged
from conformance.hand_written.mending.evaluating import Evaluator, NotEvaluated
from conformance.hand_written.mending.functions import codes_of, functions_of
from conformance.hand_written.mending.nodes import parsed
from conformance.hand_written.mending.recording import Frame
from conformance.hand_written.mending.statements import copied, relooped, rewritten, summed
from conformance.hand_written.mending.units import beginning, units_of
from conformance.hand_written.mending.variants import Reach, variants

RNG = np.random.default_rng(2)
FRAME = Frame(
    {
        "W": RNG.normal(size=(3, 3)),
        "dh": RNG.normal(size=(3, 2)),
        "h": [RNG.normal(size=(3, 2)) for _ in range(4)],
        "t": 2,
        "T": 4,
        "p": {"b": RNG.normal(size=3)},
    },
    {"np": np},
)
TEXTS = (
    "W.T @ dh + h[t] * (1 - h[t - 1] ** 2)",
    "np.dot(W, dh).sum(axis=0, keepdims=True)",
    "dh[:, :1] if t < T - 1 else -dh",
    "p['b'] - dh.mean(1)",
    "np.concatenate([dh, h[t]], axis=1)",
    "dh * (h[t] > 0)",
)


@pytest.mark.parametrize("text", TEXTS)
def test_an_expression_has_its_value(text):
    node = parsed(text)
    expected = eval(text, {"np": np}, dict(FRAME.local))  # noqa: S307 - our own texts
    np.testing.assert_array_equal(Evaluator(FRAME, node)(node), expected)


def test_what_is_not_evaluated_is_told():
    node = parsed("[x for x in h]")
    with pytest.raises(NotEvaluated):
        Evaluator(FRAME, node)(node)


SOURCE = """import numpy as np


class Net:
    def backward(self, dy):  # é
        dW, db = np.zeros((3, 3)), np.zeros(3)
        for t in reversed(range(T)):
            dh = self.W.T  @  dy[t] + carry  # a comment
            da = dh * (1 - np.tanh(
                self.h[t]) ** 2)
            dW = da @ self.h[t].T
            self.W -= 0.1 * dW
            carry = np.dot(self.W, da)
        return dW, {'b': db}
"""


def reach():
    return Reach(
        values={"dy[t]": parsed("dy[t]"), "carry": parsed("carry")},
        terms={"dh @ W": parsed("dh @ W")},
        sizes=("n", "self.H"),
        functions=("np.tanh",),
        loops=("t",),
        begins="t == T - 1",
    )


LOOPS = {
    "for t in range(T)": "t == 0",
    "for t in range(T - 1, -1, -1)": "t == T - 1",
    "for t in range(len(x), 0, -1)": "t == len(x)",
    "for t in reversed(range(T))": "t == T - 1",
    "for t in reversed(range(1, n))": "t == n - 1",
    "for t in list(range(2, n))": "t == 2",
    "for t, x in enumerate(xs)": "",
    "for x in reversed(xs)": "",
}


@pytest.mark.parametrize("loop", LOOPS)
def test_how_a_loop_over_a_range_begins_is_known(loop):
    [node] = ast.parse(f"{loop}: pass").body
    assert beginning(node) == LOOPS[loop]


def test_every_variant_is_written_as_itself_and_compiles():
    [function] = functions_of("f.py", SOURCE)
    written = 0
    for number, unit in enumerate(units_of(function)):
        for variant in variants(unit.expression, reach(), limit=9):
            text = exchanged(unit, SOURCE, variant.old, variant.new, variant.whole)
            assert text is not None
            [changed] = functions_of("f.py", text)
            assert ast.dump(units_of(changed)[number].expression) == ast.dump(variant.whole)
            assert "# a comment" in text
            written += 1
        codes_of({"f.py": SOURCE})
    assert written > 500


def test_a_mend_keeps_the_spaces_and_comments_around_it():
    [function] = functions_of("f.py", SOURCE)
    units = units_of(function)
    number = next(n for n, unit in enumerate(units) if unit.target == "dh")
    unit = units[number]
    variant = next(v for v in variants(unit.expression, reach(), limit=9) if ast.unparse(v.new) == "self.W")
    text = exchanged(unit, SOURCE, variant.old, variant.new, variant.whole)
    assert "            dh = self.W  @  dy[t] + carry  # a comment\n" in text


def test_a_change_counts_columns_in_bytes():
    assert Change((1, 5), (1, 6), "b").applied("'é' a c") == "'é' b c"


def test_statements_are_edited_as_a_whole():
    [function] = functions_of("f.py", SOURCE)
    found = [
        each.source
        for unit in units_of(function)
        for each in rewritten(unit, SOURCE, rich=True)
        if unit.target == "dW" and unit.loops
    ]
    assert any("dW += da @ self.h[t].T\n" in text for text in found)
    assert any("        dW = 0\n        for t in" in text for text in found)
    assert any("dW = da" not in text and "dW +=" not in text for text in found)
    for text in found:
        ast.parse(text)


def test_what_is_updated_in_a_loop_is_read_from_a_copy():
    [function] = functions_of("f.py", SOURCE)
    [one] = [each.source for each in copied(function, SOURCE) if "W_before = self.W.copy()" in each.source]
    lines = one.split("\n")
    assert lines.index("        W_before = self.W.copy()") + 1 == lines.index(
        "        for t in reversed(range(T)):"
    )
    assert "np.dot(W_before, da)" in one
    assert "W_before.T  @  dy[t]" in one


def test_loops_go_over_other_steps_and_sums_are_put_in():
    [function] = functions_of("f.py", SOURCE)
    assert any("range(T + 1)" in each.source for each in relooped(function, SOURCE))
    assert any(
        "            db += da.sum(axis=1, keepdims=True)\n" in each.source
        for each in summed(function, SOURCE)
    )
