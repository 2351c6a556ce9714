"""Every further call of a network must be right, on the same data and on others, and on longer sequences too."""

import pytest
from support.small_networks import GRADIENTS, MISTAKE, PARAMETERS, broken, changed, checked, named, network

COUNTED = f"self.calls += 1\nif self.calls % 3 == 0:\n    dWh = {{}}\n{GRADIENTS}"


@pytest.mark.parametrize(("third", "verdict"), [("dWh.T", "differs"), ("1 * dWh", "conforms")])
def test_what_goes_wrong_at_every_third_call_is_wrong(tmp_path, third, verdict):
    record = checked(tmp_path, network(COUNTED.format(third), attributes="self.calls = 0"))
    assert record.verdict == verdict
    if verdict == "differs":
        assert "goes wrong when it is called again: calls 1 to 2 agree; call 3" in record.headline
        assert "dL/dW_hh" in record.headline


CACHED = (
    f"key = {{}}\nif key not in self.cache:\n    self.cache[key] = {GRADIENTS[7:]}\nreturn self.cache[key]"
)


@pytest.mark.parametrize(
    ("key", "verdict"), [("len(dys)", "differs"), ("self.xs.tobytes() + dys.tobytes()", "conforms")]
)
def test_gradients_that_are_kept_of_one_call_must_not_answer_other_data(tmp_path, key, verdict):
    record = checked(tmp_path, network(CACHED.format(key), attributes="self.cache = {}"))
    assert record.verdict == verdict
    if verdict == "differs":
        assert "with other data, gives something else" in record.headline


MOMENTUM = (
    f"for m, p, g in zip(self.memory, {PARAMETERS}, (dWx, dWh, dWy, dbh, dby)):\n"
    "    m *= {}\n"
    "    m += g\n"
    "    p -= lr * m"
)


@pytest.mark.parametrize(("kept", "verdict"), [("0.9", "conforms"), ("-0.9", "differs")])
def test_momentum_is_a_habit_of_optimizers_unless_its_sign_is_wrong(tmp_path, kept, verdict):
    memory = f"self.memory = [np.zeros_like(p) for p in {PARAMETERS}]"
    record = checked(tmp_path, network(MOMENTUM.format(kept), arguments=", lr=0.1", attributes=memory))
    assert record.verdict == verdict
    assert "the same call again gives other gradients" in broken(record)


def test_gradients_that_add_up_over_calls_are_told_and_conform(tmp_path):
    record = checked(
        tmp_path,
        network(
            "self.dWx += dWx\nself.dWh += dWh\nself.dWy += dWy\nself.dbh += dbh\nself.dby += dby",
            attributes=f"self.dWx, self.dWh, self.dWy, self.dbh, self.dby = (np.zeros_like(p) for p in {PARAMETERS})",
        ),
    )
    assert record.verdict == "conforms"
    assert "gradients add up over calls" in broken(record)


@pytest.mark.parametrize(
    ("cleared", "verdict"),
    [("self.dWx, self.dWh", "conforms"), ("self.dWx,", "differs")],
    ids=["all", "one"],
)
def test_a_method_that_clears_gradients_clears_all_that_add_up(tmp_path, cleared, verdict):
    text = network(
        "self.dWx += dWx\nself.dWh += dWh\nself.dWy = dWy\nself.dbh = dbh\nself.dby = dby",
        attributes=f"self.dWx, self.dWh, self.dWy, self.dbh, self.dby = (np.zeros_like(p) for p in {PARAMETERS})",
    )
    record = checked(
        tmp_path, f"{text}\n    def zero_grad(self):\n        for g in ({cleared}):\n            g[...] = 0\n"
    )
    assert record.verdict == verdict, record.headline
    says = "goes wrong when it is called again: zero_grad does not clear dL/dW_hh"
    assert (says in record.headline) is (verdict == "differs")


def test_some_gradients_add_up_and_others_do_not_where_a_method_clears_them_alone(tmp_path):
    text = network(
        "self.dWx += dWx\nself.dWh += dWh\nself.dWy = dWy\nself.dbh += dbh\nself.dby = dby",
        attributes=f"self.dWx, self.dWh, self.dWy, self.dbh, self.dby = (np.zeros_like(p) for p in {PARAMETERS})",
    )
    record = checked(tmp_path, f"{text}\n    def forget(self):\n        self.dWx[...] = 0\n")
    assert record.verdict == "differs", record.headline
    assert "gives something else" in record.headline


COPIES = """
for n, (kept, g) in enumerate(zip(self.grads, (dWx, dWh, dWy, dbh, dby))):
    kept[...] = g + kept * {}
return dWx, dWh, dWy, dbh, dby"""


@pytest.mark.parametrize(
    ("added", "verdict"),
    [("0", "conforms"), ("1", "conforms"), ("(n == 3)", "differs")],
    ids=["none", "all", "one"],
)
def test_copies_of_gradients_add_up_all_or_none(tmp_path, added, verdict):
    grads = f"self.grads = [np.zeros_like(p) for p in {PARAMETERS}]"
    record = checked(tmp_path, network(COPIES.format(added), attributes=grads))
    assert record.verdict == verdict, record.headline
    assert ("what it returns stays right, and grads[3] adds up" in record.headline) is (verdict == "differs")


@pytest.mark.parametrize(("left", "verdict"), [("self.hs[-1]", "conforms"), ("-self.hs[-1]", "differs")])
def test_a_state_that_goes_on_is_told_unless_it_goes_on_wrongly(tmp_path, left, verdict):
    text = changed(
        network(attributes="self.h = np.zeros(n_hidden)"),
        ("[np.zeros(len(self.bh))]", "[self.h]"),
        ("        return np.array([", f"        self.h = {left}\n        return np.array(["),
    )
    record = checked(tmp_path, text)
    assert record.verdict == verdict
    assert "state leaks from one call into the next" in broken(record)


SHUFFLED = (
    ("            dWh += np.outer(da, self.hs[t])", "            steps.append(np.outer(da, self.hs[t]))"),
    ("        for t in reversed", "        steps = []\n        for t in reversed"),
    ("        return dWx", "        dWh = sum(steps[n] for n in {})\n        return dWx"),
)


@pytest.mark.parametrize(
    ("order", "repeatable"), [("np.random.permutation(len(steps))", False), ("range(len(steps))", True)]
)
def test_sums_in_random_order_are_right_and_told_as_not_repeatable(tmp_path, order, repeatable):
    *first, (before, after) = SHUFFLED
    record = checked(tmp_path, changed(network(), *first, (before, after.format(order))))
    assert record.verdict == "conforms"
    assert ("it isn't repeatable" in broken(record)) != repeatable


@pytest.mark.parametrize(
    ("most", "longer", "wrong_for"),
    [(7, "dWh.T", "12"), (70, "dWh.T", "72"), (7, "1 * dWh", ""), (70, "1 * dWh", "")],
)
def test_gradients_that_are_right_for_short_sequences_alone_are_wrong(tmp_path, most, longer, wrong_for):
    record = checked(tmp_path, network(f"if len(dys) > {most}:\n    dWh = {longer}\n{GRADIENTS}"))
    assert record.verdict == ("differs" if wrong_for else "conforms")
    assert (f"is right for 7 steps, and goes wrong for {wrong_for}" in record.headline) is bool(wrong_for)


@pytest.mark.parametrize(("most", "wrong_for"), [(7, "12"), (70, "72"), (700, "")])
def test_another_network_is_asked_longer_sequences_too(tmp_path, most, wrong_for):
    text = changed(
        network(f"if len(dys) > {most}:\n    dWh = dWh.T\n{GRADIENTS}"),
        ("np.tanh(self.Wx", "np.sin(self.Wx"),
        ("(1 - self.hs[t + 1] ** 2)", "np.cos(self.Wx @ self.xs[t] + self.Wh @ self.hs[t] + self.bh)"),
    )
    record = checked(tmp_path, text)
    assert (record.verdict, record.exit_code) == ("another-network", 5 if wrong_for else 0), record.headline
    assert (f"for T = {wrong_for} they don't" in record.headline) is bool(wrong_for)


@pytest.mark.parametrize(
    ("shown", "verdict"), [("xs[:20]", "differs"), ("xs[:200]", "differs"), ("xs[:2000]", "conforms")]
)
def test_a_forward_pass_that_reads_so_many_steps_alone_is_wrong(tmp_path, shown, verdict):
    text = changed(
        network(), ("for x in xs:", f"for x in {shown}:"), ("range(len(self.xs))", "range(len(self.hs) - 1)")
    )
    assert checked(tmp_path, text).verdict == verdict


@pytest.mark.parametrize(
    ("mistake", "verdict", "faults"),
    [((), "conforms", []), ((MISTAKE,), "differs", ["carry-not-transposed"])],
)
def test_a_constant_below_rounding_inside_tanh_makes_no_other_network(tmp_path, mistake, verdict, faults):
    record = checked(tmp_path, changed(network(), ("+ self.bh))", "+ self.bh + 1e-12))"), *mistake))
    assert (record.verdict, record.forward) == (verdict, "agrees")
    assert named(record) == faults
    assert "its activation adds 1e-12" in broken(record)


def test_a_constant_that_single_precision_sees_makes_another_network(tmp_path):
    record = checked(tmp_path, changed(network(), ("+ self.bh))", "+ self.bh + 1e-3))")))
    assert not record.conforms
    assert record.verdict != "undecided"


@pytest.mark.parametrize(
    ("when", "verdict"),
    [("if self.calls % 3:", "differs"), ("if True:", "conforms"), ("if False:", "conforms")],
    ids=["at most calls", "at every call", "never"],
)
def test_gradients_that_are_cleared_before_some_calls_alone_are_wrong(tmp_path, when, verdict):
    sums = f"self.sums = [np.zeros_like(p) for p in {PARAMETERS}]"
    text = network(
        f"self.calls += 1\n{when}\n    self._clear()\n"
        "for s, g in zip(self.sums, (dWx, dWh, dWy, dbh, dby)):\n    s += g\n"
        "return [s.copy() for s in self.sums]",
        attributes=f"self.calls = 0\n{sums}",
    )
    record = checked(
        tmp_path, f"{text}\n    def _clear(self):\n        for s in self.sums:\n            s.fill(0)\n"
    )
    assert record.verdict == verdict, record.headline


REACHED_LATER = (
    f"grads = [{GRADIENTS[7:]}]\n"
    "self.limits = self.limits or [float(1.01 * np.abs(g).max()) for g in grads]\n"
    "return [np.clip(g, -limit, limit) for g, limit in zip(grads, self.limits)]"
)
"""It cuts off what is larger than anything in its first call."""


def test_a_limit_that_other_data_alone_reach_is_no_mistake(tmp_path):
    record = checked(tmp_path, network(REACHED_LATER, attributes="self.limits = []"))
    assert record.verdict == "conforms", record.headline
    assert (
        checked(tmp_path, changed(network(REACHED_LATER, attributes="self.limits = []"), MISTAKE)).exit_code
        == 1
    )


GROWN = """
        if len(xs) > len(self.buffer):
            self.buffer = np.resize(self.buffer, (len(xs), len(self.bh)))
        self.buffer[:{cleared}] = 0
        dhs = self.buffer[:len(xs)]
        dhs += dys @ self.Wy
"""


@pytest.mark.parametrize(("cleared", "verdict"), [("len(xs)", "conforms"), ("self.used", "differs")])
def test_a_buffer_that_grows_holds_nothing_of_the_sequence_before(tmp_path, cleared, verdict):
    text = changed(
        network(attributes="self.buffer, self.used = np.zeros((0, n_hidden)), 0"),
        (
            "dbh, dby, carried",
            f"xs = self.xs{GROWN.format(cleared=cleared)}        self.used = len(xs)\n        dbh, dby, carried",
        ),
        ("(self.Wy.T @ dys[t] + carried)", "(dhs[t] + carried)"),
    )
    record = checked(tmp_path, text)
    assert record.verdict == verdict, record.headline
    longer = "goes wrong on a sequence that is longer than the one before: dL/dW_ih"
    assert (longer in record.headline) is (verdict == "differs")


RESERVED = """
        if len(xs) >= len(self.space):
            self.space = np.zeros((2 * len(xs), len(self.bh)))
        """
"""Makes room for more steps."""

LOSES_ITS_START = "self.space[0] = start" + RESERVED
KEEPS_ITS_START = RESERVED.strip() + "\n        self.space[0] = start"


@pytest.mark.parametrize(("lines", "verdict"), [(LOSES_ITS_START, "differs"), (KEEPS_ITS_START, "conforms")])
def test_a_buffer_that_grows_beyond_what_was_reserved_keeps_its_start(tmp_path, lines, verdict):
    text = changed(
        network(attributes="self.space = np.zeros((40, n_hidden))"),
        ("def forward(self, xs):", "def forward(self, xs, h0=None):"),
        (
            "self.xs, self.hs = xs, [np.zeros(len(self.bh))]",
            f"start = 0 if h0 is None else h0\n        {lines}\n        self.xs, self.hs = xs, [self.space[0].copy()]",
        ),
    )
    record = checked(tmp_path, text)
    assert record.verdict == verdict, record.headline
    assert ("longer than the one before" in record.headline) is (verdict == "differs")


def test_a_network_that_is_built_for_so_many_steps_is_asked_no_other_number(tmp_path):
    text = changed(
        network(),
        (
            "def __init__(self, n_in, n_hidden, n_out):",
            "def __init__(self, n_in, n_hidden, n_out, seq_length):\n        self.T = seq_length",
        ),
        ("for x in xs:", "for x in (xs[t] for t in range(self.T)):"),
        ("reversed(range(len(self.xs)))", "reversed(range(self.T))"),
    )
    assert checked(tmp_path, text).verdict == "conforms"
