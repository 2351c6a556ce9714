"""What a caller gets is judged, not what a backward pass had in its local variables: there it may be right."""

import pytest
from support.small_networks import (
    GRADIENTS,
    MISTAKE,
    PARAMETERS,
    changed,
    checked,
    named,
    network,
    told,
    update,
)

FLAT = "return np.concatenate([dWx.ravel(), {}.ravel(), dWy.ravel(), dbh, dby])"

EVERY = "return tuple({} for g in (dWx, dWh, dWy, dbh, dby))"


@pytest.mark.parametrize(
    "end",
    [
        "return dWx, dWh.T, dWy, dbh, dby",
        "self.dWx, self.dWh, self.dWy, self.dbh, self.dby = dWx, dWh.T, dWy, dbh, dby",
        FLAT.format("dWh.T"),
    ],
    ids=["returned", "kept", "flat"],
)
def test_a_gradient_that_is_handed_out_transposed_is_wrong_though_the_local_variable_is_right(tmp_path, end):
    record = checked(tmp_path, network(end))
    assert (record.verdict, record.forward, record.backward) == ("differs", "agrees", "differs")
    assert named(record) == ["dw-hh-transposed"]


@pytest.mark.parametrize(
    "end",
    [
        GRADIENTS,
        "self.dWx, self.dWh, self.dWy, self.dbh, self.dby = dWx, dWh, dWy, dbh, dby",
        FLAT.format("dWh"),
    ],
    ids=["returned", "kept", "flat"],
)
def test_gradients_that_are_handed_out_as_they_are_conform(tmp_path, end):
    record = checked(tmp_path, network(end))
    assert (record.verdict, record.exit_code) == ("conforms", 0)


@pytest.mark.parametrize(
    ("gradient", "known"),
    [
        ("np.zeros_like(g)", "Every gradient that it gives is 0."),
        ("g * np.nan", "No element of any gradient is finite."),
    ],
)
def test_gradients_that_tell_nothing_name_no_cause(tmp_path, gradient, known):
    record = checked(tmp_path, network(EVERY.format(gradient)))
    assert (record.verdict, record.backward) == ("differs", "differs")
    assert record.diagnosis.known == [known]
    assert not record.diagnosis.faults
    assert not record.diagnosis.suspects


def test_complex_gradients_are_wrong_and_name_no_cause(tmp_path):
    record = checked(tmp_path, network(EVERY.format("g * (1 + 1j)")))
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert "complex128" in record.headline
    assert named(record) == []


@pytest.mark.parametrize("gradient", ["np.round(g, 2)", "g.astype(int)"])
def test_rounded_gradients_are_wrong_and_name_no_cause(tmp_path, gradient):
    record = checked(tmp_path, network(EVERY.format(gradient)))
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert named(record) == []


def test_gradients_that_stay_in_local_variables_leave_the_check_undecided(tmp_path):
    record = checked(tmp_path, network("return None"))
    assert (record.verdict, record.exit_code) == ("undecided", 5)
    assert "a caller doesn't get them" in record.headline


def test_an_update_that_mistakes_a_parameter_is_wrong(tmp_path):
    record = checked(tmp_path, changed(update("p -= lr * g"), ("(dWx, dWh, ", "(dWx, dWh.T, ")))
    assert (record.verdict, record.backward) == ("differs", "differs")
    assert named(record) == ["dw-hh-transposed"]


def test_an_update_that_forgets_a_parameter_is_wrong(tmp_path):
    forgotten = changed(update("p -= lr * g"), (", self.by), (", "), ("), (", dbh, dby)", ", dbh)"))
    record = checked(tmp_path, forgotten)
    assert (record.verdict, record.backward) == ("differs", "differs")
    assert [q.quantity for q in record.quantities if q.verdict == "differs"][:1] == ["dL/db_y"]


def test_an_update_of_every_parameter_conforms(tmp_path):
    record = checked(tmp_path, update("p -= lr * g"))
    assert (record.verdict, record.scale) == ("conforms", None)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("p -= lr * np.sign(g)", "by their sign"),
        ("p -= lr * (g + 0.01 * p)", "with weight decay"),
        ("p -= lr * np.minimum(np.maximum(g, -0.5), 0.5)", "by cutting off large elements"),
        ("p -= lr * g * min(1.0, 1.0 / np.linalg.norm(g))", "by cutting down the norm of each"),
        (
            (
                "m = self.__dict__.setdefault('m', {}); m[p.shape] = m.get(p.shape, 0) + g ** 2; "
                "p -= lr * g / np.sqrt(m[p.shape] + 1e-8)"
            ),
            "divided by a root of their squares",
        ),
    ],
)
def test_an_update_by_a_known_rule_conforms_and_its_rule_is_told(tmp_path, line, rule):
    record = checked(tmp_path, update(line))
    assert (record.verdict, record.exit_code) == ("conforms", 0)
    assert f"Its update is made of its gradients {rule}" in told(record)


def test_an_update_with_a_memory_of_squares_conforms_and_its_rule_is_told(tmp_path):
    memory = f"self.memory = [np.zeros_like(p) for p in {PARAMETERS}]"
    lines = (
        f"for m, p, g in zip(self.memory, {PARAMETERS}, (dWx, dWh, dWy, dbh, dby)):\n"
        "    m += g ** 2\n"
        "    p -= lr * g / np.sqrt(m + 1e-8)"
    )
    record = checked(tmp_path, network(lines, arguments=", lr=0.1", attributes=memory))
    assert record.verdict == "conforms"
    assert "as Adagrad, RMSprop and Adam do" in told(record)


@pytest.mark.parametrize("line", ["p -= lr * np.sign(g)", "p -= lr * (g + 0.01 * p)"])
def test_an_update_by_a_known_rule_of_wrong_gradients_never_conforms(tmp_path, line):
    record = checked(tmp_path, changed(update(line), MISTAKE))
    assert record.exit_code != 0


ADDED_UP = (
    "self.dWx += dWx\nself.dWh += dWh\nself.dWy += dWy\nself.dbh += dbh\nself.dby += dby",
    f"self.dWx, self.dWh, self.dWy, self.dbh, self.dby = (np.{{}}_like(p) for p in {PARAMETERS})",
)


@pytest.mark.parametrize(("start", "verdict"), [("zeros", "conforms"), ("ones", "differs")])
def test_sums_that_are_kept_must_start_from_zeros(tmp_path, start, verdict):
    end, attributes = ADDED_UP
    record = checked(tmp_path, network(end, attributes=attributes.format(start)))
    assert record.verdict == verdict


OTHER = "    def gradients(self, dys):"


@pytest.mark.parametrize("wrong", ["backward", "gradients"])
def test_a_wrong_backward_pass_beside_a_right_one_leaves_the_check_undecided(tmp_path, wrong):
    right = network()
    forward, _, backward = right.partition("    def backward(self, dys):")
    mistaken = changed(backward, MISTAKE)
    first, second = (mistaken, backward) if wrong == "backward" else (backward, mistaken)
    record = checked(tmp_path, f"{forward}    def backward(self, dys):{first}{OTHER}{second}")
    assert (record.verdict, record.exit_code) == ("undecided", 5)
    assert f"and {wrong} others of W_ih, W_hh, b" in record.headline


def test_two_right_backward_passes_conform(tmp_path):
    forward, start, backward = network().partition("    def backward(self, dys):")
    record = checked(tmp_path, f"{forward}{start}{backward}{OTHER}{backward}")
    assert record.verdict == "conforms"


VECTOR = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.shapes = {"U": (n_hidden, n_in), "W": (n_hidden, n_hidden), "V": (n_out, n_hidden)}
        self.shapes |= {"b": (n_hidden,), "c": (n_out,)}
        self.theta = 0.3 * np.random.randn(sum(int(np.prod(shape)) for shape in self.shapes.values()))

    def parts(self):
        parts, start = {}, 0
        for name, shape in self.shapes.items():
            end = start + int(np.prod(shape))
            parts[name], start = self.theta[start:end].reshape(shape), end
        return parts

    def forward(self, xs):
        p, self.xs, self.hs = self.parts(), xs, [np.zeros(self.shapes["b"])]
        for x in xs:
            self.hs.append(np.tanh(p["U"] @ x + p["W"] @ self.hs[-1] + p["b"]))
        return np.array([p["V"] @ h + p["c"] for h in self.hs[1:]])

    def backward(self, dys):
        p = self.parts()
        g, carried = {name: np.zeros(shape) for name, shape in self.shapes.items()}, np.zeros(self.shapes["b"])
        for t in reversed(range(len(self.xs))):
            g["V"] += np.outer(dys[t], self.hs[t + 1])
            g["c"] += dys[t]
            da = (p["V"].T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            g["U"] += np.outer(da, self.xs[t])
            g["W"] += np.outer(da, self.hs[t])
            g["b"] += da
            carried = p["W"].T @ da
        return np.concatenate([g[name].ravel() for name in self.shapes])
"""


def test_the_gradient_of_a_vector_of_parameters_has_its_parts_in_their_order(tmp_path):
    assert checked(tmp_path, VECTOR).verdict == "conforms"
    in_another_order = changed(VECTOR, ("for name in self.shapes])", 'for name in "WUVbc"])'))
    assert checked(tmp_path, in_another_order).verdict == "differs"


def test_a_vector_that_is_returned_decides_over_the_gradients_that_are_kept(tmp_path):
    returned = "return np.concatenate([g[name].ravel({}) for name in self.shapes])"
    kept = changed(VECTOR, (returned.format(""), f"self.g = g\n        {returned.format('')}"))
    assert checked(tmp_path, kept).verdict == "conforms"
    assert (
        checked(tmp_path, changed(kept, (returned.format(""), returned.format('"F"')))).verdict == "differs"
    )


TWINS = """
import numpy as np


class Reader:
    def __init__(self, n_in, n_hidden):
        self.W, self.U = 0.4 * np.random.randn(n_hidden, n_in), 0.4 * np.random.randn(n_hidden, n_hidden)
        self.b = np.zeros(n_hidden)

    def read(self, xs):
        hs = [np.zeros_like(self.b)]
        for x in xs:
            hs.append(np.tanh(self.W @ x + self.U @ hs[-1] + self.b))
        return hs

    def unread(self, xs, hs, dh):
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        for t in reversed(range(len(xs))):
            da = dh * (1 - hs[t + 1] ** 2)
            dW, dU, db = dW + np.outer(da, xs[t]), dU + np.outer(da, hs[t]), db + da
            dh = self.U.T @ da
        return dW, dU, db


class Twins(Reader):
    def forward(self, ones, others):
        self.read_of = [(xs, self.read(xs)) for xs in (ones, others)]
        return self.read_of[0][1][-1] - self.read_of[1][1][-1]

    def backward(self, dgap):
        one, other = (self.unread(xs, hs, dh) for (xs, hs), dh in zip(self.read_of, (dgap, -dgap)))
        return one[0] + other[0], one[1] + other[1], one[2]
"""


def test_right_parts_of_a_backward_pass_that_is_not_judged_clear_nothing(tmp_path):
    record = checked(tmp_path, TWINS, "Twins")
    assert record.exit_code != 0, record.headline
    assert checked(tmp_path, TWINS, "Reader").exit_code == 0
