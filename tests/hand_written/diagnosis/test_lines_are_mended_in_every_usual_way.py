"""Ways of mending a line: what each operator makes of a statement in a loop, in the order in which it is tried."""

import ast
import contextlib

import pytest

from conformance.faults import Choices
from conformance.hand_written.diagnosis import operators as op
from conformance.hand_written.diagnosis.edits import Edit, spots
from conformance.hand_written.diagnosis.mends import BY_SEAM, edits
from conformance.hand_written.diagnosis.patching import patched

LOOP = """def backward(self, d, W):
    for t in reversed(range(T)):
        {}
"""
OUTSIDE = """def backward(self, d, W):
    {}
"""

MENDED = {
    (op.unwrapped, "x = np.tanh(h)"): ["x = h"],
    (op.unwrapped, "x = np.clip(2 * h, -1, 1)"): ["x = (2 * h)"],
    (op.unwrapped, "x = f()"): [],
    (op.unwrapped, "x = f(*h)"): [],
    (op.transposed, "x = W.T"): ["x = W", "x = W.T.T"],
    (op.transposed, "x = d"): ["x = d.T"],
    (op.transposed, "x = h[t]"): ["x = h[t].T", "x = h.T[t]", "x = h[t.T]"],
    (op.transposed, "h[0] = 1"): ["h.T[0] = 1"],
    (op.transposed, "x = 1 @ 2"): ["x = (1 @ 2).T"],
    (op.transposed, "x = 1 * 2"): [],
    (op.transposed, "x = (f)(1, 2)"): ["x = f(1, 2).T", "x = (f.T)(1, 2)"],
    (op.transposed, "x = f(1)"): ["x = f.T(1)"],
    (op.at_another_step, "x = h[t - 1]"): [
        "x = h[t]",
        "x = h[t - 1 - 1]",
        "x = h[t - 1 + 1]",
        "x = h[t + 1]",
    ],
    (op.at_another_step, "x = h[:, 0]"): [
        *("x = h[:, 0 - 1]", "x = h[:, 0 + 1]", "x = h[:, t]", "x = h[:, t - 1]", "x = h[:, t + 1]")
    ],
    (op.at_another_step, "x = h[:, t, b]"): [
        *("x = h[:, t - 1, b]", "x = h[:, t + 1, b]"),
        *("x = h[:, t, b - 1]", "x = h[:, t, b + 1]"),
        *("x = h[:, t, t]", "x = h[:, t, t - 1]", "x = h[:, t, t + 1]"),
    ],
    (op.at_another_step, "x = h[t - k]"): [
        *("x = h[t - k - 1]", "x = h[t - k + 1]", "x = h[t]", "x = h[t - 1]", "x = h[t + 1]")
    ],
    (op.at_another_step, "h[t] = 1"): [],
    (op.of_a_sequence, "x = d"): [
        *("x = W[t]", "x = W[t - 1]", "x = W[t + 1]", "x = x[t]", "x = x[t - 1]", "x = x[t + 1]")
    ],
    (op.of_a_sequence, "d = 1"): [],
    (op.another_name, "x = d"): ["x = W", "x = x"],
    (op.another_name, "x = self.a"): ["x = d", "x = W", "x = x"],
    (op.another_name, "x = elsewhere"): [],
    (op.another_name, "d = 1"): [],
    (op.one_operand, "x = 2 * g"): ["x = 2", "x = g"],
    (op.one_operand, "x = g / T"): ["x = g"],
    (op.one_operand, "x = (g + 1) - d"): ["x = (g + 1)", "x = d", "x = (g) - d", "x = (1) - d"],
    (op.one_operand, "x = g @ d"): [],
    (op.with_more, "x = 2 * d"): ["x = (2 * d) + d", "x = (2 * d) + W", "x = (2 * d) + x"],
    (op.with_more, "x = y = d"): [],
    (op.with_more, "x += d"): [],
}
"""The statement, and what each operator makes of it."""

IN_LOOPS_ALONE = ((op.of_a_sequence, "x = d"), (op.with_more, "x = d"))


def mended(operator: op.Operator, line: str, around: str) -> list[str]:
    """Return the line as each edit that the operator makes of it leaves it."""
    text = around.format(line)
    at = around.splitlines().index(next(one for one in around.splitlines() if one.strip() == "{}")) + 1
    made = [(edit, edit.shown(text)) for spot in spots("net.py", text) for edit in operator(spot)]
    assert all(before == line for edit, (before, _) in made if edit.line == at)
    return [after for edit, (_, after) in made if edit.line == at]


@pytest.mark.parametrize(("operator", "line"), MENDED, ids=lambda part: getattr(part, "__name__", part))
def test_an_operator_makes_of_a_line_what_it_says(operator: op.Operator, line: str) -> None:
    assert mended(operator, line, LOOP) == MENDED[operator, line]


@pytest.mark.parametrize(
    ("operator", "line"), IN_LOOPS_ALONE, ids=lambda part: getattr(part, "__name__", part)
)
def test_what_has_to_do_with_steps_is_tried_in_loops_alone(operator: op.Operator, line: str) -> None:
    assert mended(operator, line, LOOP)
    assert mended(operator, line, OUTSIDE) == []


def test_steps_of_the_two_innermost_loops_are_tried() -> None:
    text = "def f(h):\n    for a in A:\n        for b in B:\n            for c, d in C:\n                x = h[0]\n"
    made = [edit for spot in spots("net.py", text) for edit in op.at_another_step(spot)]
    assert [edit.replacement for edit in made] == [
        *("0 - 1", "0 + 1", "c", "c - 1", "c + 1", "d", "d - 1", "d + 1")
    ]


NETWORK = '''"""A network."""

def forward(self, x, /, h, *, k=2):
    """Run."""
    def inner(y):
        return y
    while True:
        out = inner(h)
    self.out: float = self.h + other.a

class Net:
    async def train(self, cls, lr):
        for s, u in zip(range(self.T - 1, -1, -1), lr):
            for v in lr:
                self.w -= lr
            else:
                after = v
        for v in range(2, 9):
            lr(v)
'''


def spots_of(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    found = spots("net.py", text)
    return [(s.function, ast.unparse(s.node), s.loops) for s in found if isinstance(s.node, ast.stmt)]


def test_every_statement_is_visited_once_with_the_loops_around_it() -> None:
    assert spots_of(NETWORK) == [
        ("forward", "'Run.'", ()),
        ("forward", "while True:\n    out = inner(h)", ()),
        ("forward", "out = inner(h)", ()),
        ("forward", "self.out: float = self.h + other.a", ()),
        ("inner", "return y", ()),
        ("train", ast.unparse(ast.parse(NETWORK).body[2].body[0].body[0]), ()),
        ("train", "for v in lr:\n    self.w -= lr\nelse:\n    after = v", ("s", "u")),
        ("train", "self.w -= lr", ("v", "s", "u")),
        ("train", "after = v", ("s", "u")),
        ("train", ast.unparse(ast.parse(NETWORK).body[2].body[0].body[1]), ()),
        ("train", "lr(v)", ("v",)),
    ]


def test_what_follows_a_loop_is_outside_of_it() -> None:
    text = "def f(x):\n    for t in range(n):\n        a\n    else:\n        b\n"
    assert spots_of(text)[1:] == [("f", "a", ("t",)), ("f", "b", ())]


def test_a_node_is_replaced_with_all_of_its_lines() -> None:
    text = "def f(h):\n    x = np.tanh(\n        h,\n    ) * 2\n"
    (edit,) = (edit for spot in spots("net.py", text) for edit in op.unwrapped(spot))
    assert edit.applied(text) == "def f(h):\n    x = h * 2\n\n\n"


def test_names_are_arguments_local_variables_and_own_attributes() -> None:
    names = {s.function: s.names for s in spots("net.py", NETWORK)}
    assert names == {
        "forward": ("x", "h", "k", "self.out", "out", "self.h"),
        "train": ("lr", "v", "s", "u", "self.w", "after", "self.T"),
        "inner": ("y",),
    }


EDITED = "if a:\n    x = (\n        å + 1\n    ) * y\n"


@pytest.mark.parametrize(
    ("start", "end", "replacement", "after"),
    [
        ((2, 4), (2, 5), "z", "if a:\n    z = (\n        å + 1\n    ) * y\n"),
        ((3, 8), (3, 14), "(b)", "if a:\n    x = (\n        (b)\n    ) * y\n"),
        ((3, 13), (3, 14), "2", "if a:\n    x = (\n        å + 2\n    ) * y\n"),
        ((2, 8), (4, 9), "z", "if a:\n    x = z\n\n\n"),
        ((2, 9), (4, 4), "(b + c)", "if a:\n    x = (b + c) * y\n\n\n"),
        ((2, 9), (4, 4), "(b) + (c)", "if a:\n    x = ((b) + (c)) * y\n\n\n"),
        ((2, 9), (4, 4), "f(b)", "if a:\n    x = (f(b)) * y\n\n\n"),
        ((2, 9), (4, 4), "(b)(c)", "if a:\n    x = ((b)(c)) * y\n\n\n"),
        ((2, 9), (4, 4), "(b),", "if a:\n    x = ((b),) * y\n\n\n"),
    ],
)
def test_an_edit_replaces_its_text_alone_and_keeps_every_line_where_it_was(
    start, end, replacement, after
) -> None:
    edit = Edit(file="net.py", line=start[0], start=start, end=end, replacement=replacement)
    assert edit.applied(EDITED) == after
    line = start[0] - 1
    assert edit.shown(EDITED) == (EDITED.splitlines()[line].strip(), after.splitlines()[line].strip())


def test_the_edits_of_a_seam_are_tried_operator_by_operator_each_once() -> None:
    text = "def run(h):\n    return f(h)\n\ndef back(h):\n    return f(h)\n"
    tried = [(e.line, e.replacement) for e in edits("activation", {"a.py": text})]
    assert tried == [(2, "h"), (5, "h")]
    read = "def run(d, W):\n    for t in x:\n        y = d + 1\n"
    tried = [
        (e.line, e.replacement) for e in edits("start", {"a.py": read, "b.py": "def f(a, b):\n    f(a)\n"})
    ]
    assert tried == [(3, "W"), (3, "y"), (2, "b"), (2, "a")]
    same = "def run(d):\n    x = d + d\n"
    assert [e.replacement for e in edits("activation", {"a.py": same})] == ["d"]
    assert list(edits("carry", {"a.py": text})) == []


def test_every_seam_that_has_mends_is_one() -> None:
    assert set(BY_SEAM) <= set(Choices.__struct_fields__)


SOURCE = """
class Net:
    @property
    def read(self):
        return 1
    @staticmethod
    def still():
        return 1
    @classmethod
    def kind(cls):
        return 1
    def plain(self):
        return 1
def free():
    return 1
def closed(n):
    def inner():
        return n, 1
    return inner
"""


def called(scope: dict) -> list[object]:
    net = scope["Net"]
    return [net().read, net.still(), net.kind(), net().plain(), scope["free"]()]


def test_functions_of_every_kind_run_the_edited_source_for_a_while_and_only_they() -> None:
    scope: dict = {"other": test_every_seam_that_has_mends_is_one}
    exec(compile(SOURCE, "net.py", "exec"), scope)  # noqa: S102 - the source above
    for n, line in enumerate([5, 8, 11, 13, 15]):
        text = SOURCE.splitlines()[line - 1]
        at = text.index("1")
        edit = Edit(file="net.py", line=line, start=(line, at), end=(line, at + 1), replacement="2")
        with patched(edit, SOURCE, scope) as changed:
            assert changed
            assert called(scope) == [1 + (n == m) for m in range(5)]
        assert called(scope) == [1] * 5
        with patched(
            Edit(file="a.py", line=line, start=(line, at), end=(line, at + 1), replacement="2"), SOURCE, scope
        ) as changed:
            assert not changed


def test_a_function_that_would_close_over_other_variables_is_left_alone() -> None:
    scope: dict = {}
    exec(compile(SOURCE, "net.py", "exec"), scope)  # noqa: S102
    inside = scope["closed"](5)
    scope["inside"] = inside
    changes = {"1": "2", "n": "3"}
    for text, replacement in changes.items():
        line = "        return n, 1"
        at = line.index(text, 12)
        edit = Edit(file="net.py", line=18, start=(18, at), end=(18, at + 1), replacement=replacement)
        with patched(edit, SOURCE, {"inside": inside}) as changed:
            assert changed is (text == "1")
            assert inside() == ((5, 2) if changed else (5, 1))


def test_functions_are_as_before_after_an_error_too() -> None:
    scope: dict = {}
    exec(compile(SOURCE, "net.py", "exec"), scope)  # noqa: S102
    edit = Edit(file="net.py", line=15, start=(15, 11), end=(15, 12), replacement="2")
    with contextlib.suppress(InterruptedError), patched(edit, SOURCE, scope):
        assert scope["free"]() == 2
        raise InterruptedError
    assert scope["free"]() == 1
