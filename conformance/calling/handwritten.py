"""The interface of a network stated outright, where nothing should be guessed."""

from collections.abc import Mapping

from conformance.calling.adapter import adapter_text
from conformance.calling.asking import Traits
from conformance.calling.binding import Binding, Own
from conformance.calling.bound import Loss
from conformance.calling.interface import Interface
from conformance.calling.load import load, loaded_from
from conformance.cases import parse_id

CASE = "rnn-tanh-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0"


def handwritten(
    target: object,
    *,
    build: str,
    weights: Mapping[str, str],
    forward: str,
    backward: str = "",
    shown: Mapping[str, str],
    case: str = CASE,
    own: Own | None = None,
    one_hot: bool = False,
    crossed: bool = False,
) -> Binding:
    """Return a network that is called exactly as stated, for `conformance.check`.

    All texts are Python over the names `p` (the problem's arrays, time first: p.x (T, B, I), p.W_ih (H, I), p.d_y …),
    `code` (the definitions of the target) and `np`; a text may hold several lines.

    Parameters
    ----------
    target
        `file.py:Name` and the like, or a live class or function.
    build
        Lines that build the network: `model = code.RNN(p.I, p.H, p.O)`.
    weights
        For each array of the code the values it is to hold: `{"model.Wxh": "p.W_ih.T"}`.
    forward, backward
        Lines that call the two passes; without `backward` only the forward pass is checked.
    shown
        For each quantity the expression that shows it: y, h, x and h_0 (the gradients), and the gradients of W_ih,
        W_hh, b (or b_ih and b_hh), W_hy, b_y.
    case
        The id of the case that it admits.
    own
        Its own parameters, outputs and gradients, where it is to be judged by its own forward pass.
    one_hot, crossed
        Whether it takes ids, and whether its loss is softmax with cross-entropy on `p.targets`.

    Returns
    -------
    Binding
        The network: `conformance.check` judges it, `run(problem)` shows what it gives on a problem, and its
        `interface.adapter()` is the text of an adapter that says the same.

    Raises
    ------
    UsageError
        If there is no such target or `case` is no id.
    """
    loaded = load(target) if isinstance(target, str) else loaded_from(target)
    wanted = parse_id(case)
    lines = (*build.splitlines(), *(f"{path}[...] = {values}" for path, values in weights.items()))
    biases = " ".join(weights.values())
    source = adapter_text(
        target=loaded.target,
        name=loaded.target,
        description="hand-written, called as declared",
        case=case,
        build=lines,
        calls=(*forward.splitlines(), *backward.splitlines()),
        shown=shown,
    )
    return Binding(
        told=True,
        name=loaded.target,
        description="hand-written, called as declared",
        problem_case=wanted,
        interface=Interface(target=loaded.target, lines=(*lines, forward, backward), source=source),
        loss=Loss(kind="softmax cross-entropy" if crossed else "as declared") if backward else None,
        notes=loaded.notes,
        rate=None,
        mistake="",
        loaded=loaded,
        traits=Traits(
            one_hot=one_hot,
            crossed=crossed,
            cell_bias="p.b" in biases.replace("p.b_y", ""),
            head_bias="p.b_y" in biases,
        ),
        build=lines,
        forward=tuple(forward.splitlines()),
        backward=tuple(backward.splitlines()),
        shown=dict(shown),
        between=tuple(f"{path}[...] = {values}" for path, values in weights.items()),
        own=own,
    )
