"""What else a class has beside a backward pass that is right is judged too: updates, training, predictions."""

import pytest
from support.small_networks import GRADIENTS, PARAMETERS, changed, checked, network

UPDATE = f"""
    def update(self, {{arguments}}, lr=0.1):
        for n, (p, g) in enumerate(zip({PARAMETERS}, {{gradients}})):
            p -= {{step}}
"""

BY_NAME = {"arguments": "dWx, dWh, dWy, dbh, dby", "gradients": "(dWx, dWh, dWy, dbh, dby)"}
AT_ONCE = {"arguments": "grads", "gradients": "grads"}


def with_update(tmp_path, step, arguments):
    return checked(tmp_path, network(GRADIENTS) + UPDATE.format(step=step, **arguments))


@pytest.mark.parametrize("arguments", [BY_NAME, AT_ONCE])
@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("lr * g", "update moves every parameter against its gradient, at one rate."),
        ("lr * np.clip(g, -0.2, 0.2)", "Its update is made of its gradients by cutting off large elements."),
    ],
)
def test_an_update_by_a_known_rule_is_told(tmp_path, step, said, arguments):
    record = with_update(tmp_path, step, arguments)
    assert record.verdict == "conforms"
    assert said in record.notes


@pytest.mark.parametrize("arguments", [BY_NAME, AT_ONCE])
@pytest.mark.parametrize("step", ["lr * (g.T if n == 1 else g)", "lr * (0 if n == 3 else g)"])
def test_a_network_whose_update_leaves_a_gradient_out_does_not_conform(tmp_path, step, arguments):
    record = with_update(tmp_path, step, arguments)
    assert record.verdict == "undecided"
    wrong = "W_hh" if "T" in step else "b"
    assert f"its gradients are right, and update moves {wrong} by something else" in record.headline


@pytest.mark.parametrize("arguments", [BY_NAME, AT_ONCE])
def test_a_network_whose_update_goes_uphill_does_not_conform(tmp_path, arguments):
    record = with_update(tmp_path, "-lr * g", arguments)
    assert record.verdict == "undecided"
    assert "its gradients are right, and update moves every parameter along the gradient" in record.headline


def test_an_update_that_needs_something_unknown_is_told_as_not_judged(tmp_path):
    text = network(GRADIENTS) + "\n    def step(self, optimizer):\n        optimizer.apply(self)\n"
    record = checked(tmp_path, text)
    assert record.verdict == "conforms"
    assert "Not called, so not judged: what step makes of the gradients." in record.notes


def test_a_network_whose_update_follows_no_known_rule_does_not_conform(tmp_path):
    record = with_update(tmp_path, "lr * g / (1 + abs(g))", AT_ONCE)
    assert record.verdict == "undecided"
    assert "update makes its moves of them by no rule that is known here" in record.headline


TRAINING = f"""
    def train_step(self, xs, targets, lr=0.01):
        ys = self.forward(xs)
        grads = self.backward(ys - targets)
        for p, g in zip({PARAMETERS}, grads):
            p -= lr * g
        return 0.5 * np.sum((ys - targets) ** 2)
"""


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [
        ("0.5 * np.sum((ys - targets) ** 2)", "conforms"),
        ("0.5 * np.sum((self.forward(xs) - targets) ** 2)", "conforms"),  # after the update
        ("np.sqrt(np.mean((ys - targets) ** 2))", "conforms"),
        ("np.mean(abs(ys - targets) > 0.1)", "conforms"),  # a rate of misses has no slope
        ("0.5 * np.sum((ys[1:] - targets[1:]) ** 2)", "undecided"),
        ("0.5 * np.sum((ys - targets[::-1]) ** 2)", "undecided"),
    ],
)
def test_a_loss_that_training_returns_is_the_one_it_descends(tmp_path, returned, verdict):
    method = changed(TRAINING, ("0.5 * np.sum((ys - targets) ** 2)", returned))
    record = checked(tmp_path, network(GRADIENTS) + method)
    assert record.verdict == verdict, record.headline
    wrong = "its gradients are right, and train_step returns another loss than theirs"
    assert (wrong in record.headline) is (verdict == "undecided")


FITTING = f"""
    def fit(self, sequences, targets, epochs=1, lr=0.01):
        for _ in range(epochs):
            for xs, wanted in zip(sequences, targets):
                for p, g in zip({PARAMETERS}, self.backward(self.forward(xs) - wanted)):
                    p -= lr * g
"""

UPHILL = ("p -= lr * g", "p += lr * g")


@pytest.mark.parametrize("method", [TRAINING, FITTING], ids=["a step", "all of it"])
def test_training_beside_a_right_backward_pass_goes_down_its_loss(tmp_path, method):
    right = checked(tmp_path, network(GRADIENTS) + method)
    assert right.verdict == "conforms"
    wrong = checked(tmp_path, network(GRADIENTS) + changed(method, UPHILL))
    name = "train_step" if method is TRAINING else "fit"
    assert wrong.verdict == "undecided"
    assert f"backward gives right gradients, and {name} moves every parameter along" in wrong.headline


LIMITED = f"""
    def train_step(self, xs, targets, lr=0.01, max_norm=1.0):
        grads = self.backward(self.forward(xs) - targets)
        scale = min(1.0, max_norm / np.sqrt(sum(np.sum(g * g) for g in grads)))
        for p, g in zip({PARAMETERS}, grads):
            limited = g * scale
            p -= lr * limited
"""


def test_a_limit_that_makes_no_difference_is_none(tmp_path):
    right = checked(tmp_path, network(GRADIENTS) + LIMITED)
    assert right.verdict == "conforms"
    wrong = checked(tmp_path, network(GRADIENTS) + changed(LIMITED, ("lr * limited", "lr * g")))
    assert wrong.verdict == "undecided"
    assert "train_step moves every parameter as far whatever max_norm is" in wrong.headline


PREDICTING = """
    def predict(self, xs):
        h, ys = np.zeros(len(self.bh)), []
        for x in xs:
            h = np.tanh(self.Wx @ x + self.Wh @ h + self.bh)
            ys.append(self.Wy @ h + self.by)
        return np.array(ys)
"""

LATE = ("self.Wy @ h + self.by", "self.Wy @ before + self.by"), ("h = np.tanh", "before, h = h, np.tanh")


@pytest.mark.parametrize("made", ["np.array(ys)", "np.exp(ys)", "[np.exp(y) / np.exp(y).sum() for y in ys]"])
def test_predictions_beside_a_right_forward_pass_may_have_another_form(tmp_path, made):
    method = changed(PREDICTING, ("return np.array(ys)", f"return {made}"))
    assert checked(tmp_path, network(GRADIENTS) + method).verdict == "conforms"


def test_predictions_that_come_a_step_late_are_no_outputs(tmp_path):
    record = checked(tmp_path, network(GRADIENTS) + changed(PREDICTING, *LATE))
    assert record.verdict == "undecided"
    assert "forward gives right outputs, and predict others" in record.headline


def test_predictions_start_where_the_network_learned_to(tmp_path):
    learned = ("self.hs = xs, [np.zeros(len(self.bh))]", "self.hs = xs, [self.h0]")
    text = changed(network(GRADIENTS, attributes="self.h0 = np.zeros(n_hidden)"), learned)
    method = changed(PREDICTING, ("np.zeros(len(self.bh))", "self.h0"))
    assert checked(tmp_path, text + method).verdict == "conforms"
    assert "and predict others" in checked(tmp_path, text + PREDICTING).headline


def test_what_did_not_run_is_told(tmp_path):
    method = "\n    def sample(self, seed, n):\n        return self.predict([seed] * n)[0]\n"
    record = checked(tmp_path, network(GRADIENTS) + PREDICTING + method)
    assert record.verdict == "conforms"
    assert "Not run, so not judged: sample." in record.notes


@pytest.mark.parametrize(
    ("name", "change"), [("train_step", [UPHILL]), ("predict", LATE)], ids=["training", "predictions"]
)
def test_a_method_that_is_named_is_the_one_that_is_judged(tmp_path, name, change):
    methods = TRAINING + PREDICTING
    assert checked(tmp_path, network(GRADIENTS) + methods, f"Net.{name}").exit_code == 0
    text = network(GRADIENTS) + changed(methods, *change)
    assert checked(tmp_path, text, f"Net.{name}").exit_code != 0
    assert checked(tmp_path, text, "Net.forward,Net.backward").exit_code == 0
