"""Sequences of other lengths, words that occur twice, and large inputs are held against its own forward pass."""

import pytest
from support.small_networks import changed, checked, network

NETWORK = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_in, n_hidden) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_hidden, n_out) * 0.3, np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, x, mask):
        self.x, self.mask, self.hs, self.made = x, mask, [np.zeros((len(x), len(self.b)))], []
        for t in range(x.shape[1]):
            m = mask[:, t, None]
            self.made.append(np.tanh(x[:, t] @ self.W + self.hs[-1] @ self.U + self.b))
            self.hs.append(m * self.made[-1] + (1 - m) * self.hs[-1])
        return self.hs[-1] @ self.V + self.c

    def backward(self, dy):
        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)
        db, dV, dc, dh = np.zeros_like(self.b), self.hs[-1].T @ dy, dy.sum(0), dy @ self.V.T
        for t in reversed(range(self.x.shape[1])):
            m = self.mask[:, t, None]
            da = m * dh * (1 - self.made[t] ** 2)
            dW += self.x[:, t].T @ da
            dU += self.hs[t].T @ da
            db += da.sum(0)
            dh = da @ self.U.T + (1 - m) * dh
        return dW, dU, dV, db, dc
"""

LENGTHS = (
    ("forward(self, x, mask):", "forward(self, x, lengths):"),
    (
        "self.x, self.mask",
        "mask = (np.arange(x.shape[1]) < np.asarray(lengths)[:, None]).astype(float)\n        self.x, self.mask",
    ),
)

OPTIONAL_LENGTHS = (
    LENGTHS[0],
    ("(self, x, lengths)", "(self, x, lengths=None)"),
    (
        LENGTHS[1][0],
        f"lengths = [x.shape[1]] * len(x) if lengths is None else lengths\n        {LENGTHS[1][1]}",
    ),
)

OPTIONAL_MASK = (
    ("(self, x, mask)", "(self, x, mask=None)"),
    ("self.x, self.mask", "mask = np.ones(x.shape[:2]) if mask is None else mask\n        self.x, self.mask"),
)

CLASSES = (
    (
        "return self.hs[-1] @ self.V + self.c",
        "y = np.exp(self.hs[-1] @ self.V + self.c)\n        return y / y.sum(1, keepdims=True)",
    ),
    (
        "def backward(self, dy):",
        "def backward(self, probs, labels):\n        dy = probs.copy()\n        dy[np.arange(len(dy)), labels] -= 1",
    ),
)

OVERWRITTEN = ("dh = da @ self.U.T + (1 - m) * dh", "dh = da @ self.U.T")


@pytest.mark.parametrize(
    "text",
    [
        NETWORK,
        *(changed(NETWORK, *changes) for changes in (LENGTHS, OPTIONAL_LENGTHS, OPTIONAL_MASK, CLASSES)),
    ],
    ids=["mask", "lengths", "optional lengths", "optional mask", "a mask and classes"],
)
def test_what_goes_wrong_in_padding_alone_does_not_conform(tmp_path, text):
    right = checked(tmp_path, text)
    assert right.verdict == "conforms", right.headline
    assert any("On other lengths or masks" in note for note in right.notes)
    wrong = checked(tmp_path, changed(text, OVERWRITTEN))
    assert wrong.exit_code == 5, wrong.headline
    assert "on other lengths or masks" in wrong.headline


WORDS = """
import numpy as np

class Net:
    def __init__(self, vocab, dim, hidden, outputs):
        self.table = 0.3 * np.random.randn(vocab, dim)
        self.W, self.U = 0.3 * np.random.randn(dim, hidden), 0.3 * np.random.randn(hidden, hidden)
        self.V, self.b = 0.3 * np.random.randn(hidden, outputs), np.zeros(hidden)

    def forward(self, words, h):
        self.words, self.hs = np.asarray(words), [h]
        for word in self.words:
            self.hs.append(np.tanh(self.table[word] @ self.W + self.hs[-1] @ self.U + self.b))
        return np.stack(self.hs[1:]) @ self.V

    def backward(self, dys):
        grads = {name: np.zeros_like(getattr(self, name)) for name in ("table", "W", "U", "V", "b")}
        das, carried = np.zeros((len(dys), len(self.b))), 0
        for t in reversed(range(len(dys))):
            das[t] = (self.V @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            carried = self.U @ das[t]
        before, after = np.stack(self.hs[:-1]), np.stack(self.hs[1:])
        grads["W"], grads["U"] = self.table[self.words].T @ das, before.T @ das
        grads["V"], grads["b"] = after.T @ dys, das.sum(0)
        np.add.at(grads["table"], self.words, das @ self.W.T)
        return grads
"""


def test_the_gradient_of_a_word_is_the_sum_over_all_its_places(tmp_path):
    right = checked(tmp_path, WORDS)
    assert right.verdict == "conforms", right.headline
    once = 'np.add.at(grads["table"], self.words, das @ self.W.T)'
    wrong = checked(tmp_path, changed(WORDS, (once, 'grads["table"][self.words] += das @ self.W.T')))
    assert wrong.verdict == "differs"
    assert "where a word occurs twice" in wrong.headline


@pytest.mark.parametrize(
    ("limited", "slope", "verdict"),
    [
        ("np.clip({}, -4, 4)", "da", "undecided"),
        ("np.clip({}, -4, 4)", "da * (np.abs(self.a[t]) < 4)", "conforms"),
        ("np.clip({}, -6, 6)", "da", "conforms"),  # tanh'(6) is next to nothing
        ("np.clip({}, -500, 500)", "da", "conforms"),
        ("np.clip({}, -25, 25)", "da", "conforms"),
    ],
)
def test_what_a_forward_pass_cuts_off_is_reached(tmp_path, limited, slope, verdict):
    kept = f"a = self.Wx @ x + self.Wh @ self.hs[-1] + self.bh\n{12 * ' '}self.a.append(a)\n{12 * ' '}"
    text = changed(
        network(attributes="self.a = []"),
        (
            "self.xs, self.hs = xs, [np.zeros(len(self.bh))]",
            "self.xs, self.hs, self.a = xs, [np.zeros(len(self.bh))], []",
        ),
        (
            "self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))",
            f"{kept}self.hs.append(np.tanh({limited.format('a')}))",
        ),
        ("(1 - self.hs[t + 1] ** 2)", f"(1 - self.hs[t + 1] ** 2)\n            da = {slope}"),
    )
    record = checked(tmp_path, text)
    assert record.verdict == verdict, record.headline
    assert ("cuts values off at ±4, its gradients don't agree" in record.headline) is (verdict == "undecided")


@pytest.mark.parametrize(("limit", "verdict"), [(1, "another-network"), (4, "conforms")])
def test_a_network_that_cuts_values_off_has_no_mistake_for_it(tmp_path, limit, verdict):
    text = changed(
        network(),
        (
            "np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh)",
            f"np.tanh(np.clip({{}}, -{limit}, {limit}))",
        ),
        ("{}", "self.Wx @ x + self.Wh @ self.hs[-1] + self.bh"),
        (
            "(1 - self.hs[t + 1] ** 2)",
            f"(1 - self.hs[t + 1] ** 2) * (np.abs(self.hs[t + 1]) < np.tanh({limit}))",
        ),
    )
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == (verdict, 0), record.headline


@pytest.mark.parametrize(("passed_on", "verdict"), [("+ (1 - m) * dh", "conforms"), ("", "undecided")])
def test_a_mask_may_leave_out_steps_in_the_middle(tmp_path, passed_on, verdict):
    every_step = (
        ("return self.hs[-1] @ self.V + self.c", "return np.stack(self.hs[1:], 1)"),
        (
            "db, dV, dc, dh = np.zeros_like(self.b), self.hs[-1].T @ dy, dy.sum(0), dy @ self.V.T",
            "db, dh = 0 * self.b, 0",
        ),
        (
            "            m = self.mask[:, t, None]\n            da",
            "            m = self.mask[:, t, None]\n            dh = dh + dy[:, t]\n            da",
        ),
        ("+ (1 - m) * dh", passed_on),
        ("return dW, dU, dV, db, dc", "return dW, dU, db"),
        ("self.V, self.b, self.c = np.random.randn(n_hidden, n_out) * 0.3,", "self.b ="),
        ("np.zeros(n_hidden), np.zeros(n_out)", "np.zeros(n_hidden)"),
        ("n_hidden, n_out)", "n_hidden)"),
    )
    record = checked(tmp_path, changed(changed(NETWORK, *OPTIONAL_MASK), *every_step))
    assert record.verdict == verdict, record.headline


TAGGER = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_classes):
        self.W, self.U = np.random.randn(n_in, n_hidden) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_hidden, n_classes) * 0.3, np.zeros(n_hidden), np.zeros(n_classes)

    def forward(self, x):
        self.x, self.hs = x, [np.zeros((len(x), len(self.b)))]
        for t in range(x.shape[1]):
            self.hs.append({cell})
        return np.stack(self.hs[1:], 1) @ self.V + self.c

    def loss_and_grads(self, x, tags, mask=None):
        mask = np.ones(x.shape[:2]) if mask is None else mask
        logits = self.forward(x)
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        right = np.take_along_axis(p, tags[:, :, None], -1)[..., 0]
        loss = -np.sum(mask * np.log(right)) / mask.sum()
        dy = (p - np.eye(len(self.c))[tags]) * mask[:, :, None] / {count}
        dW, dU, db, dh = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b), 0
        for t in reversed(range(x.shape[1])):
            da = (dy[:, t] @ self.V.T + dh) * {slope}
            dW += x[:, t].T @ da
            dU += self.hs[t].T @ da
            db += da.sum(0)
            dh = da @ self.U.T
        return loss, (dW, dU, np.einsum("nth,nto->ho", np.stack(self.hs[1:], 1), dy), db, dy.sum((0, 1)))
"""

ELMAN = "np.tanh(x[:, t] @ self.W + self.hs[-1] @ self.U + self.b)", "(1 - self.hs[t + 1] ** 2)"
OTHER = "np.arctan(x[:, t] @ self.W + self.hs[-1] @ self.U + self.b)", "np.cos(self.hs[t + 1]) ** 2"


@pytest.mark.parametrize(("cell", "slope"), [ELMAN, OTHER], ids=["torch's", "another network"])
def test_a_mask_of_the_loss_alone_is_held_against_the_loss_that_it_returns(tmp_path, cell, slope):
    right = checked(tmp_path, TAGGER.format(cell=cell, slope=slope, count="mask.sum()"))
    assert right.exit_code == 0, right.headline
    assert any("On other lengths or masks" in note for note in right.notes)
    wrong = checked(tmp_path, TAGGER.format(cell=cell, slope=slope, count="mask.size"))
    assert wrong.exit_code == 5, wrong.headline
    assert "on other lengths or masks" in wrong.headline


@pytest.mark.parametrize(("order", "verdict"), [("C", "conforms"), ("K", "differs")])
def test_inputs_in_another_order_in_memory_are_the_same_inputs(tmp_path, order, verdict):
    rows = f"rows = xs.ravel(order='{order}').reshape(-1, xs.shape[-1])"
    text = changed(network(), ("for x in xs:", f"{rows}\n        for x in rows:"))
    record = checked(tmp_path, text)
    assert record.verdict == verdict, record.headline
    assert ("goes wrong with inputs in Fortran's order in memory: " in record.headline) is (
        verdict == "differs"
    )


OTHER_FROM_H_0 = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = np.random.randn(n_in, n_hidden) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.a = np.full(n_hidden, 0.3)

    def forward(self, x, h0=None):
        self.x, self.hs = x, [np.zeros((x.shape[1], len(self.a))) if h0 is None else h0]
        for x_t in x:
            self.hs.append(np.arctan(x_t @ self.W + self.hs[-1] @ self.U) + self.a * self.hs[-1])
        return np.array(self.hs[1:])

    def backward(self, dh):
        dW, dU, da, carried = 0 * self.W, 0 * self.U, 0 * self.a, 0
        for t in reversed(range(len(dh))):
            d = dh[t] + carried
            if t {first}:
                da += (d * self.hs[t]).sum(0)
            carried = self.a * d
            d = d / (1 + (self.x[t] @ self.W + self.hs[t] @ self.U) ** 2)
            dW += self.x[t].T @ d
            dU += self.hs[t].T @ d
            carried = carried + d @ self.U.T
        return dW, dU, da
"""


@pytest.mark.parametrize(("first", "code"), [(">= 0", 0), ("> 0", 5)])
def test_another_network_is_asked_from_another_start_too(tmp_path, first, code):
    record = checked(tmp_path, OTHER_FROM_H_0.replace("{first}", first))
    assert (record.verdict, record.exit_code) == ("another-network", code), record.headline
    assert ("from an initial state of zeros they agree with it" in record.headline) is (code != 0)
    assert bool(record.denied) is (code != 0)


DROPPING = """
import numpy as np


class Net:
    keep = 0.8

    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_in, n_hidden) * 0.3, np.random.randn(n_hidden, n_hidden) * 0.3
        self.V, self.b, self.c = np.random.randn(n_hidden, n_out) * 0.3, np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, x, mask=None):
        self.x, self.hs = x, [np.zeros((len(x), len(self.b)))]
        for t in range(x.shape[1]):
            self.hs.append(np.tanh(x[:, t] @ self.W + self.hs[-1] @ self.U + self.b))
        states = np.stack(self.hs[1:], 1)
        self.mask = np.ones((1, 1, 1)) if mask is None else mask
        self.read = states * self.mask
        return self.read @ self.V + self.c

    def backward(self, dy):
        dread = (dy @ self.V.T) * {slope}
        dW, dU, db, dh = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b), 0
        for t in reversed(range(dy.shape[1])):
            da = (dread[:, t] + dh) * (1 - self.hs[t + 1] ** 2)
            dW += self.x[:, t].T @ da
            dU += self.hs[t].T @ da
            db += da.sum(0)
            dh = da @ self.U.T
        return dW, dU, np.einsum("nth,nto->ho", self.read, dy), db, dy.sum((0, 1))
"""


@pytest.mark.parametrize(("slope", "verdict"), [("self.mask", "conforms"), ("(self.read != 0)", "undecided")])
def test_a_mask_of_dropout_says_by_how_much_what_is_kept_counts(tmp_path, slope, verdict):
    record = checked(tmp_path, DROPPING.format(slope=slope))
    assert record.verdict == verdict, record.headline
    assert ("on other lengths or masks its gradients don't agree" in record.headline) is (
        verdict == "undecided"
    )
