"""Edits that lead from what people write back to what they meant, one kind of mistake each."""

import ast

import pytest

from conformance.hand_written.mending.functions import functions_of
from conformance.hand_written.mending.nodes import parsed
from conformance.hand_written.mending.statements import carried, moved, relooped, rewritten
from conformance.hand_written.mending.units import units_of
from conformance.hand_written.mending.variants import Reach, variants

REACH = Reach(
    values={"o": parsed("o"), "dh": parsed("dh")},
    terms={},
    sizes=("self.H",),
    functions=("np.tanh",),
    loops=("t",),
    begins="",
)

EXPRESSIONS = {
    "np.sum(dz, keepdims=True)": "np.sum(dz, axis=1, keepdims=True)",
    "dz.mean(axis=0)": "dz.sum(axis=0)",
    "d.sum(axis=0)": "dh.sum(axis=0)",
    "az @ self.U[0].T": "az @ self.U[1].T",
    "d.dot(W.T)": "dh.dot(W.T)",
    "dz.sum()": "dz.sum(axis=(0, 1))",
    "da[0]": "da.sum(axis=0)",
    "self.stack.pop(0)": "self.stack.pop()",
    "self.stack.pop()": "self.stack.pop(0)",
    "dz[self.D:]": "dz[:self.H]",
    "dz[:, self.D:]": "dz[:, :self.H]",
    "np.einsum('i,j,k->ijk', x, h, da)": "np.einsum('i,j,k->ijk', x, da, h)",
    "np.einsum('i,ijk,k->j', x, A, da)": "np.einsum('i,ikj,k->j', x, A, da)",
    "np.concatenate((dr, dz), axis=1)": "np.concatenate((dz, dr), axis=1)",
    "1 - h ** 2 * dh": "(1 - h ** 2) * dh",
    "f(c)": "f(np.tanh(c))",
    "cell.backward(dy) + dh": "cell.backward(dy + dh)",
}


@pytest.mark.parametrize("wrong", EXPRESSIONS)
def test_one_edit_leads_to_what_was_meant(wrong):
    found = {ast.unparse(each.whole) for each in variants(parsed(wrong), REACH, limit=9)}
    assert ast.unparse(parsed(EXPRESSIONS[wrong])) in found


SOURCE = """def backward(self, dys):
    for t in reversed(range(T)):
        kept = np.zeros(3)
        self.before = self.h
        self.h = step(dys[t])
        for k in names:
            dh = dh + dz[k]
            total += dz[k]
        g[ids[t]] += dh
        dc = dc * f
"""

STATEMENTS = {
    "rows that are there twice": "np.add.at(g, ids[t], dh)",
    "what is added up in an inner loop": "        total = np.zeros_like(total)\n        for k in names:",
    "the order of two statements": "        self.h = step(dys[t])\n        self.before = self.h\n",
    "what a loop forgets": "    kept = np.zeros(3)\n    for t in reversed(range(T)):",
    "the order of steps": "    for t in range(T):",
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_one_edit_of_statements_leads_to_what_was_meant(kind):
    [function] = functions_of("f.py", SOURCE)
    edits = [*moved(function, SOURCE), *relooped(function, SOURCE)]
    edits += [each for unit in units_of(function) for each in rewritten(unit, SOURCE, rich=True)]
    found = [each.source for each in edits if STATEMENTS[kind] in each.source]
    assert found
    assert STATEMENTS[kind] not in SOURCE
    for text in found:
        ast.parse(text)


def test_what_a_loop_carries_is_read_before_it_is_set():
    [function] = functions_of("f.py", SOURCE)
    [loop] = [node for node in function.node.body if isinstance(node, ast.For)]
    assert {"dh", "dc"} <= carried(loop)
    assert not {"kept", "t", "dys"} & carried(loop)
