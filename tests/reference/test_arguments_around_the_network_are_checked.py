"""Cells, heads, losses and models refuse what would mislead, and say what to pass instead."""

from collections.abc import Callable

import numpy as np
import pytest

from refrnn import RNN, Linear, RNNCell, SequenceModel, cross_entropy, sgd, softmax, squared_error

T, B, I, H, O = 6, 5, 3, 4, 2  # noqa: E741


def cell() -> RNNCell:
    return RNNCell(I, H)


def head() -> Linear:
    return Linear(H, O)


def model(**options: object) -> SequenceModel:
    return SequenceModel(RNN(I, H), head(), **options)  # type: ignore[arg-type]


X, LOGITS = np.ones((T, B, I)), np.zeros((B, O))
A_SHAPE, NO_BROADCAST = "must have the shape", "Nothing is broadcast"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: RNNCell(0, H), ValueError, "input_size must be at least 1; got 0"),
        (lambda: RNNCell(I, 4.0), TypeError, r"hidden_size must be an integer of at least 1; got 4\.0"),
        (lambda: RNNCell(I, H, "relu"), TypeError, "bias must be True or False; got 'relu'"),
        (
            lambda: RNNCell(I, H, True, "sigmoid"),
            ValueError,
            "nonlinearity must be 'tanh' or 'relu'; got 'sigm",
        ),
        (
            lambda: cell()([[1.0, 2, 3], [1]]),
            TypeError,
            "^x must be an array of float64; got list whose parts",
        ),
        (lambda: RNNCell(I, H, dtype="int64"), TypeError, "dtype must be float32, float64 or long double"),
        (
            lambda: cell()(np.ones((B, H))),
            ValueError,
            rf"x {A_SHAPE} \(B, 3\); got \(5, 4\)\. {NO_BROADCAST}",
        ),
        (lambda: cell()(np.ones(H)), ValueError, rf"x {A_SHAPE} \(3\); got \(4,\)"),
        (lambda: cell()(X), ValueError, rf"x {A_SHAPE} \(B, 3\); got \(6, 5, 3\)"),
        (lambda: cell()(X[0, :0]), ValueError, r"got \(0, 3\)\. Nothing is broadcast and no length may be 0"),
        (
            lambda: cell()(X[0].astype(np.float32)),
            TypeError,
            "x must be float64, the dtype of this network; got f",
        ),
        (lambda: cell()(X[0], np.ones(H)), ValueError, rf"h {A_SHAPE} \(5, 4\); got \(4,\)"),
        (lambda: cell()(X[0], np.ones((1, H))), ValueError, rf"h {A_SHAPE} \(5, 4\); got \(1, 4\)"),
        (lambda: cell()(X[0, 0], np.ones((1, H))), ValueError, rf"h {A_SHAPE} \(4\); got \(1, 4\)"),
        (
            lambda: cell().backward(cell().forward(X[0]), np.ones((1, H))),
            ValueError,
            rf"d_h {A_SHAPE} \(5, 4\); got \(1, 4\)",
        ),
        (
            lambda: cell().load_state_dict(RNN(I, H).parameters),
            ValueError,
            "missing: weight_ih, weight_hh, bias_ih, bias_hh; unknown: weight_ih_l0",
        ),
    ],
)
def test_a_cell_refuses(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: Linear(0, O), ValueError, "in_features must be at least 1; got 0"),
        (lambda: Linear(H, True), TypeError, "out_features must be an integer of at least 1; got True"),
        (lambda: Linear(H, O, dtype="int64"), TypeError, "^dtype must be float32, float64 or long double"),
        (lambda: Linear(H, O, 1), TypeError, "bias must be True or False; got 1"),
        (lambda: head()(np.ones((B, I))), ValueError, rf"x {A_SHAPE} \(N, 4\); got \(5, 3\)"),
        (lambda: head()(np.float64(1)), ValueError, rf"x {A_SHAPE} \(4\); got \(\)"),
        (lambda: head()(np.ones((0, H))), ValueError, "no length may be 0"),
        (lambda: head()([[1, 2, 3, 4], [1]]), TypeError, "x must be an array of float64; got list"),
        (
            lambda: head().backward(head().forward(np.ones((B, H))), np.ones((B, 1))),
            ValueError,
            rf"d_y {A_SHAPE} \(5, 2\); got \(5, 1\)",
        ),
        (
            lambda: head().load_state_dict({"weight": np.ones((H, O)), "bias": [0, 0]}),
            ValueError,
            "transposed",
        ),
    ],
)
def test_a_head_refuses(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: squared_error(np.zeros((B, O)), np.zeros((B, 1))),
            ValueError,
            rf"target {A_SHAPE} \(5, 2\); got \(5, 1\)\. {NO_BROADCAST}",
        ),
        (
            lambda: squared_error(np.zeros(2), [0, np.nan]),
            ValueError,
            r"target must be finite everywhere; got nan at index \(1,\)\. Leave such elements out",
        ),
        (
            lambda: squared_error(0.0, np.inf),
            ValueError,
            r"target must be finite everywhere; got inf at index \(\)",
        ),
        (lambda: squared_error(np.zeros(2, np.float32), np.zeros(2)), TypeError, "digits would be lost"),
        (
            lambda: squared_error(np.zeros(2, int), np.zeros(2)),
            TypeError,
            "dtype of y must be float32, float64",
        ),
        (
            lambda: squared_error(np.zeros((0, O)), np.zeros((0, O))),
            ValueError,
            r"^y must have the shape \(N, N\).* no length may be 0",
        ),
        (
            lambda: squared_error([[0.0], [0.0, 1.0]], 0.0),
            TypeError,
            "^y must be an array of float64; got list",
        ),
        (lambda: cross_entropy(1.0, 0), ValueError, r"^logits must have the shape \(…, C\)"),
        (
            lambda: cross_entropy(LOGITS, [[0], [0, 1]]),
            TypeError,
            "^class_ids must be whole numbers; got list whose parts differ",
        ),
        (
            lambda: squared_error(0.0, 0.0, "none"),
            ValueError,
            "reduction must be 'mean' or 'sum' or 'half_sum'",
        ),
        (
            lambda: cross_entropy(LOGITS, np.zeros(B, int), "half_sum"),
            ValueError,
            "reduction must be 'mean' or 'sum'",
        ),
        (
            lambda: cross_entropy(LOGITS, np.array([0, 1, 1.5, 0, 0])),
            TypeError,
            r"class_ids must be whole numbers; got float64 \[0\.0, 1\.0, 1\.5, .*Pass integers; prob",
        ),
        (
            lambda: cross_entropy(LOGITS, np.zeros(B, bool)),
            TypeError,
            "class_ids must be whole numbers; got bool",
        ),
        (
            lambda: cross_entropy(LOGITS, [0, 1, 2, 0, 0]),
            ValueError,
            r"class_ids must lie between 0 and C - 1 = 1; got 2 at index \(2,\)\. Leave rows without a class",
        ),
        (
            lambda: cross_entropy(LOGITS, [0, 1, 0, 0, -100]),
            ValueError,
            r"got -100 at index \(4,\).*no id is ignored",
        ),
        (
            lambda: cross_entropy(np.zeros((B, O, T)), np.zeros((B, T), int)),
            ValueError,
            r"class_ids must have the shape \(5, 2\).*got \(5, 6\)\. Put the classes on the last axis",
        ),
        (
            lambda: softmax(1.0),
            ValueError,
            "logits must have the shape .* with the classes last; got one number",
        ),
        (lambda: softmax(np.zeros((B, 0))), ValueError, "no length may be 0"),
        (lambda: softmax(np.zeros(3, complex)), TypeError, "dtype of logits must be float32, float64"),
    ],
)
def test_losses_refuse(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: model(output="first"), ValueError, "output must be 'last' or 'every'; got 'first'"),
        (
            lambda: SequenceModel(RNN(I, H, bidirectional=True), head()),
            ValueError,
            r"must read D\*H = 8 features in float64; got Linear\(4, 2.*Build it as Linear\(8, 2, dtype='fl",
        ),
        (
            lambda: SequenceModel(RNN(I, H, dtype=np.float32), head()),
            ValueError,
            r"must read D\*H = 4 features in float32; got Linear\(4, 2, bias=True, dtype='float64'\)",
        ),
        (
            lambda: model(frozen=["bias_hh_l0"]),
            ValueError,
            r"frozen must be .* among rnn\.weight_ih_l0, .*; got \['bias_hh_l0'\]\. Pass for example \['",
        ),
        (lambda: model(frozen="rnn.bias_hh_l0"), ValueError, "got 'rnn.bias_hh_l0'. Pass for example"),
        (lambda: model().predict(X[..., :2]), ValueError, rf"x {A_SHAPE} \(T, B, 3\); got \(6, 5, 2\)"),
        (
            lambda: model().gradients(X, np.zeros((B, 1))),
            ValueError,
            rf"target {A_SHAPE} \(5, 2\); got \(5, 1\)",
        ),
        (
            lambda: model(output="every").gradients(X, np.zeros((T, O)), lengths=[6, 1, 2, 3, 4]),
            ValueError,
            r"target must begin with the axes \(6, 5\) of x, padding included; got \(6, 2\)\. Pad it",
        ),
        (
            lambda: model().train([], epochs=0, learning_rate=0.1),
            ValueError,
            "epochs must be at least 1; got 0",
        ),
        (
            lambda: model().train([], epochs=1, learning_rate=0.1),
            ValueError,
            r"samples must hold at least one \(x, target\); got none",
        ),
        (
            lambda: model(output="every").gradients(X, [[0.0], [0.0, 1.0]], lengths=[6, 1, 2, 3, 4]),
            TypeError,
            "^target must be an array; got list whose parts differ",
        ),
        (lambda: model().load_state_dict(RNN(I, H).parameters), ValueError, "missing: rnn.weight_ih_l0"),
        (
            lambda: model(loss=lambda y, _: (y.sum(), np.ones(3))).gradients(X, np.zeros((B, O))),
            ValueError,
            rf"d_y {A_SHAPE} \(5, 2\); got \(3,\)",
        ),
    ],
)
def test_a_model_refuses(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: SequenceModel("rnn", head()), "^rnn must be a Network; got str. Pass RNN"),
        (lambda: SequenceModel(cell(), head()), "^rnn must be a Network; got RNNCell"),
        (
            lambda: SequenceModel(RNN(I, H), np.ones((O, H))),
            "^head must be a Linear; got ndarray. Pass Linear",
        ),
        (lambda: model(loss="mse"), "^loss must be a function; got str. Pass squared_error"),
        (lambda: model(loss=None), "^loss must be a function; got NoneType"),
        (lambda: model(frozen=3), "^frozen must be a Collection; got int. Pass for example"),
        (lambda: model(frozen=None), "^frozen must be a Collection; got NoneType"),
        (
            lambda: model(loss=lambda y, _: y.sum()).gradients(X, np.zeros((B, O))),
            r"^loss must return the loss and its gradient \(loss, dL/dy\); got float64. Return both",
        ),
        (
            lambda: model(loss=lambda y, _: (0.0, y, y)).gradients(X, np.zeros((B, O))),
            "^loss must return the loss and its gradient",
        ),
        (
            lambda: model().descend({}, 0.1),
            r"^gradients must be a LossGradients; got dict. Pass what gradients\(\)",
        ),
        (lambda: trained(5), "^samples must be an Iterable; got int. Pass a list of pairs"),
        (lambda: trained([X]), r"^samples must hold pairs \(x, target\) alone; got ndarray as sample 0. Put"),
        (lambda: trained([(X, np.zeros((B, O))), (X,)]), "got tuple as sample 1"),
        (
            lambda: sgd(3, {}, 0.1),
            "^parameters must be a Mapping; got int. Pass a mapping of names to arrays",
        ),
        (
            lambda: sgd({}, [np.ones(2)], 0.1),
            "^gradients must be a Mapping; got list. Pass a mapping of names",
        ),
        (
            lambda: sgd({"w": "much"}, {"w": 1.0}, 0.1),
            "^The dtype of the parameter w must be float32, float64",
        ),
        (
            lambda: sgd({"w": np.ones(2, int)}, {"w": np.ones(2)}, 0.1),
            "parameter w must be .*; got dtype.'int64'",
        ),
        (lambda: sgd({"w": np.ones(2)}, {"w": None}, 0.1), "^The gradient of w must be float64"),
        (lambda: sgd({"w": np.ones(2)}, {"w": np.ones(2)}, "fast"), "^learning_rate must be one real number"),
    ],
)
def test_wrong_types_around_training_get_words(call: Callable[[], object], match: str) -> None:
    with pytest.raises(TypeError, match=match):
        call()


def test_names_that_nothing_has_get_words_too() -> None:
    with pytest.raises(
        ValueError, match=r"^frozen must be a collection of names among .*; got \[\['bias'\]\]"
    ):
        model(frozen=[["bias"]])
    with pytest.raises(ValueError, match=r"^gradients must be given for exactly .* w; got 3"):
        sgd({"w": np.ones(2)}, {3: np.ones(2)}, 0.1)


def test_parameters_given_as_plain_numbers_are_trained_in_float64() -> None:
    moved = sgd({"w": [1.0, 2.0]}, {"w": [10.0, 20.0]}, 0.1)
    assert moved["w"].tolist() == [0.0, 0.0]


def trained(samples: object) -> object:
    return model().train(samples, epochs=1, learning_rate=0.1)  # type: ignore[arg-type]
