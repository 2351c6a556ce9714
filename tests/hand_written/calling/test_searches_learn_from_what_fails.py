"""What a failed call says is learned from: what can't work isn't tried again."""

from pathlib import Path

import pytest

from conformance.hand_written.calling import bindings, load
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.building.construct import Built, Setup, own_callables
from conformance.hand_written.calling.building.modules import of_module
from conformance.hand_written.calling.finding import _those_that_run_first
from conformance.hand_written.calling.forwards.passes import ASKED, case_of
from conformance.hand_written.calling.forwards.search import Searching
from conformance.hand_written.calling.forwards.tries import MOST_FAILING
from conformance.hand_written.calling.found import Found
from conformance.hand_written.calling.hints import sources
from conformance.hand_written.calling.running.blame import blamed, ended_within
from conformance.hand_written.calling.running.program import run

P = question(case_of(ASKED, batched=False), Traits()).p


def loaded_from_text(folder: Path, text: str):
    path = folder / "network.py"
    path.write_text(text)
    return load(str(path))


def tried(loaded, *, stepwise: bool = False) -> Searching:
    """Return a search that has gone through the forward passes of every network of a target."""
    searching = Searching.of(loaded)
    for built in of_module(loaded, P):
        for _ in searching.forwards(built, stepwise=stepwise):
            pass
    return searching


COUNTS = "calls = []\n"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("return inner(second)", "second"),  # handed on as it is
        ("return first.nothing", "first"),
        ("first = 1\n    return first.nothing", ""),  # what it lacks it isn't to blame for
        ("return first + missing", ""),
        ("return third.nothing", ""),  # the same object as another
    ],
)
def test_the_argument_that_lacks_what_is_wanted_is_blamed(tmp_path, body, name):
    text = f"def inner(a):\n    return a.nothing\n\ndef outer(first, second, third, fourth):\n    {body}\n"
    loaded = loaded_from_text(tmp_path, text)
    assert blamed(run(loaded, P, ("x = p.x", "code.outer(x, {}, p, p)"))) == name


def test_an_error_of_our_own_lines_is_told_from_one_of_the_lines_after_them(tmp_path):
    loaded = loaded_from_text(tmp_path, "def fails(x):\n    raise ValueError\n")
    build = ("a = 1", "b = [\n    a,\n]")
    assert ended_within(run(loaded, P, (*build[:1], "b = p.W_hy_of_none", "code.fails(b)")).error, build)
    assert ended_within(run(loaded, P, ("a = 1", "b = [\n    code.fails(a),\n]")).error, build)
    assert not ended_within(run(loaded, P, (*build, "code.fails(b)")).error, build)
    assert not ended_within(None, build)


def test_what_an_argument_can_not_be_is_not_tried_in_every_layout(tmp_path):
    text = (
        COUNTS
        + "def forward(x, other):\n    calls.append(type(x).__name__)\n    return [x.of_nobody + other for _ in x]\n"
    )
    loaded = loaded_from_text(tmp_path, text)
    seen = []
    loaded.code.calls = seen
    loaded.remember()
    loaded._remembered[0]._containers.clear()  # what it counts stays from call to call
    tried(loaded)
    assert 0 < seen.count("list") <= len(("x", "other")) * len(("list", "nested", "ids"))


def test_what_fails_by_itself_again_and_again_is_given_up(tmp_path):
    text = COUNTS + "def forward(x):\n    calls.append(1)\n    return [x @ weights_of_nobody for _ in x]\n"
    loaded = loaded_from_text(tmp_path, text)
    loaded._remembered[0]._containers.clear()
    searching = Searching.of(loaded)
    (built,) = of_module(loaded, P)
    assert list(searching.forwards(built, stepwise=False)) == []
    assert len(loaded.code.calls) == MOST_FAILING
    assert "weights_of_nobody" in searching.raised[0].ran.complaint()


def test_a_network_that_cannot_be_built_of_some_sizes_is_built_of_them_once(tmp_path):
    loaded = loaded_from_text(tmp_path, "def forward(w, x):\n    return [row @ w[1] for row in x]\n")
    setup = Setup(lines=("params = [p.W_ih, p.W_hy.T]",), owner="code", roots=("params", "code"), says="")
    built = Built(setup=setup, ran=run(loaded, P, setup.lines), arrays=())
    searching = Searching.of(loaded)
    assert list(searching.forwards(built, stepwise=False)) == []
    assert {sizes.O for _, sizes in searching.unbuilt} == {0}


def test_weights_laid_out_so_that_it_runs_come_first(tmp_path):
    text = (
        "import numpy as np\n"
        "def rnn_forward(params, x):\n"
        "    h, W, U = np.zeros(6), params['W_ih'], params['W_hh']\n"
        "    for x_t in x:\n"
        "        h = np.tanh(x_t @ W + h @ U + params['b'])\n"
        "    return h\n"
    )
    loaded = loaded_from_text(tmp_path, text)
    setups = list(of_module(loaded, P))
    found = Found(searching=Searching.of(loaded))
    runs = [found.searching.runs(built) for built in setups]
    assert not runs[0]
    assert any(runs)
    ordered = _those_that_run_first(found, setups)
    assert found.searching.runs(ordered[0])
    assert sorted(map(id, ordered)) == sorted(map(id, setups))


def test_what_a_record_has_of_tuples_is_no_callable_of_a_network(tmp_path):
    text = (
        "from typing import NamedTuple\n"
        "class Pair(NamedTuple):\n"
        "    W: object\n"
        "    U: object\n"
        "    def forward(self, x):\n"
        "        return x\n"
    )
    loaded = loaded_from_text(tmp_path, text)
    ran = run(loaded, P, ("model = code.Pair(p.W_ih, p.W_hh)",))
    setup = Setup(lines=(), owner="model", roots=("model",), says="")
    assert own_callables(loaded, Built(setup=setup, ran=ran, arrays=())) == ["model.forward"]


def test_what_only_calls_a_forward_pass_is_not_searched_again(tmp_path):
    text = (
        "import numpy as np\n"
        "class Net:\n"
        "    def __init__(self, n_in, n_hidden):\n"
        "        self.W, self.U = np.ones((n_hidden, n_in)), np.ones((n_hidden, n_hidden))\n"
        "    def forward(self, x):\n"
        "        self.x, self.h = x, [np.zeros(len(self.U))]\n"
        "        for x_t in x:\n"
        "            self.h.append(np.tanh(self.W @ x_t + self.U @ self.h[-1]))\n"
        "        return np.array(self.h[1:])\n"
        "    def predict(self, x):\n"
        "        return 2 * self.forward(x)\n"
        "    def backward(self, dy):\n"
        "        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)\n"
        "        for t in range(len(dy)):\n"
        "            dW += np.outer(dy[t], self.x[t])\n"
        "            dU += np.outer(dy[t], self.h[t])\n"
        "        return dW, dU\n"
    )
    told = []
    list(bindings(loaded_from_text(tmp_path, text), told.append))
    assert "looking for the backward pass of model.forward" in told
    assert "looking for the backward pass of model.predict" not in told


STEPPED = """
import numpy as np

def rnn_step(x, h, Wx, Wh, b):
    return np.tanh(x @ Wx + h @ Wh + b)

def rnn_forward(x, h, Wx, Wh, b):
    out = []
    for t in range(x.shape[0]):
        h = rnn_step(x[t], h, Wx, Wh, b)
        out.append(h)
    return np.array(out)

def rnn_backward(dh, x, out):
    da = dh * (1 - out**2)
    before = np.concatenate([np.zeros_like(out[:1]), out[:-1]])
    return np.einsum("tbi,tbh->ih", x, da), np.einsum("tbg,tbh->gh", before, da), da.sum((0, 1))

def total_loss(x, h, Wx, Wh, b):
    return rnn_forward(x, h, Wx, Wh, b).sum()
"""


def test_what_a_recognised_pass_is_made_of_is_not_tried_on_its_own(tmp_path, monkeypatch):
    lines = []

    def recorded(loaded, p, text, **options):
        lines.append(text[-1])
        return run(loaded, p, text, **options)

    monkeypatch.setattr("conformance.hand_written.calling.forwards.search.run", recorded)
    assert list(bindings(loaded_from_text(tmp_path, STEPPED), lines.append))
    recognised = lines.index("looking for the backward pass of code.rnn_forward")
    # neither its parts nor what calls it under another name, nor its weights in another order
    assert not any("code.rnn_step(" in line or "code.total_loss(" in line for line in lines)
    assert any("p.W_hh" in line for line in lines[recognised:])
    assert not any("p.W_hh.T, p.W_ih.T" in line for line in lines[recognised:])


def test_sources_are_read_once(tmp_path, monkeypatch):
    loaded = loaded_from_text(tmp_path, "class Net:\n    def forward(self, x):\n        return x\n")
    reads = []
    getsource = sources.inspect.getsource
    monkeypatch.setattr(sources.inspect, "getsource", lambda value: reads.append(value) or getsource(value))
    texts = {sources.source_of(loaded.code.Net().forward) for _ in range(3)}
    assert texts == {"def forward(self, x):\n    return x\n"}
    assert len(reads) == 1


def test_few_assignments_may_hang(tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.hand_written.calling.loading.definitions.ASSIGNMENT", 0.02)
    monkeypatch.setattr("conformance.hand_written.calling.loading.definitions.MOST_HANGING", 2)
    hangs = "".join(f"a{n} = [0 for _ in iter(int, 1) if 0]\n" for n in range(4))
    loaded = loaded_from_text(tmp_path, f"kept = 1\n{hangs}left = 2\ndef forward(x):\n    return x\n")
    assert loaded.code.kept == 1
    assert not hasattr(loaded.code, "left")
    assert sum("no answer within" in line for line in loaded.not_run[1:]) == 2


def test_what_never_loops_is_handed_no_whole_sequences(tmp_path):
    text = COUNTS + "def forward(x, h):\n    calls.append(1)\n    return x @ h @ x @ h @ x\n"
    loaded = loaded_from_text(tmp_path, text)
    (built,) = of_module(loaded, P)
    assert list(Searching.of(loaded).forwards(built, stepwise=False)) == []
    assert loaded.calls.spent == 1  # which has built nothing, of functions
