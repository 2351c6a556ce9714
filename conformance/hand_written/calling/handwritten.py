"""The interface of a network stated outright, where nothing should be guessed."""

import ast
import re
import textwrap
from collections.abc import Mapping
from types import MappingProxyType

from conformance.cases import parse_id
from conformance.errors import UsageError
from conformance.hand_written.calling.adapter import with_adapter
from conformance.hand_written.calling.asking import Traits
from conformance.hand_written.calling.binding import Binding, Own
from conformance.hand_written.calling.bound import Loss
from conformance.hand_written.calling.interface import Interface
from conformance.hand_written.calling.loading.load import load, loaded_from

CASE = "rnn-tanh-T7-B3-I4-H6-O5-noh0-dout-f64-gain1.2-s0"

CELL_BIAS = re.compile(r"\bp\.b(?!_y)")

NONE: Mapping[str, str] = MappingProxyType({})


def handwritten(
    target: object,
    *,
    build: str = "",
    weights: Mapping[str, str] = NONE,
    forward: str,
    backward: str = "",
    shown: Mapping[str, str],
    between: str | None = None,
    case: str = CASE,
    loss: Loss | None = None,
    rate: float | None = None,
    own_rate: float = 0.0,
    unclipped: bool = False,
    mistake: str = "",
    own: Own | None = None,
    one_hot: bool = False,
    crossed: bool = False,
    execute: bool = False,
    tensors: bool = False,
) -> Binding:
    """Return a network that is called exactly as stated, for `conformance.check`.

    All texts are Python over the names `p` (the problem's arrays, time first: p.x (T, B, I), p.W_ih (H, I), p.d_y …),
    `code` (the definitions of the target) and `np`; a text may hold several statements.

    Parameters
    ----------
    target
        `file.py:Name` and the like, or a live class or function.
    build
        Lines that build the network: `model = code.RNN(p.I, p.H, p.O)`; none where functions stand alone.
    weights
        For each array of the code the values it is to hold: `{"model.Wxh": "p.W_ih.T"}`.
    forward, backward
        Lines that call the two passes; without `backward` only the forward pass is checked.
    shown
        For each quantity the expression that shows it: y, h, x and h_0 (the gradients), and the gradients of W_ih,
        W_hh, b (or b_ih and b_hh), W_hy, b_y.
    between
        Lines that prepare a further sequence after a first one; by default those of `weights`.
    case
        The id of the case that it admits.
    loss
        How the loss enters its backward pass; by default as `backward` says.
    rate
        The learning rate, if `shown` reads gradients off an update in place.
    own_rate
        The learning rate that the code has written down, by which `shown` divides such an update.
    unclipped
        Whether np.clip(g, -c, c) leaves everything as it is while the backward pass runs.
    mistake
        A mistake of its forward pass by which that was recognised, as a seam and a choice: "activation = sigmoid".
    own
        Its own parameters, outputs and gradients, where it is to be judged by its own forward pass.
    one_hot, crossed
        Whether it takes ids, and whether its loss is softmax with cross-entropy on `p.targets`.
    execute
        Whether all of the target's script is run first, as it stands; else only its definitions are.
    tensors
        Whether arrays stand in for the tensors of torch that it computes with; else torch itself is imported.

    Returns
    -------
    Binding
        The network: `conformance.check` judges it, `run(problem)` shows what it gives on a problem, and its
        `interface.adapter()` is the text of an adapter that says the same.

    Raises
    ------
    UsageError
        If there is no such target, `case` is no id, or a text isn't Python or still has a gap, `...`.

    Examples
    --------
    >>> import numpy as np
    >>> def scan(x, U, W, b):
    ...     h, hs = np.zeros((x.shape[1], len(b))), []
    ...     for x_t in x:
    ...         h = np.tanh(x_t @ U + h @ W + b)
    ...         hs.append(h)
    ...     return np.array(hs)
    >>> stated = handwritten(
    ...     scan, forward="hs = code.scan(p.x, p.W_ih.T, p.W_hh.T, p.b_ih + p.b_hh)", shown={"h": "hs"}
    ... )
    >>> from conformance import check
    >>> check(stated).record.forward
    'agrees'
    """
    loaded = (
        load(target, execute=execute, as_stated=not tensors)
        if isinstance(target, str)
        else loaded_from(target)
    )
    filled = tuple(f"{path}[...] = {values}" for path, values in weights.items())
    lines = (*statements_of(build), *filled)
    for text in shown.values():
        statements_of(text)
    forward_lines, backward_lines = statements_of(forward), statements_of(backward)
    if loss is None and backward_lines:
        loss = Loss(kind="softmax cross-entropy" if crossed else "as declared")
    every = (*lines, *forward_lines, *backward_lines)
    by_itself = not any("p.W_" in line for line in every)  # its parameters are none that the problem knows
    binding = Binding(
        stated=True,
        name=loaded.target,
        description="hand-written, called as declared",
        problem_case=parse_id(case),
        interface=Interface(target=loaded.target, lines=(*lines, *forward_lines, *backward_lines)),
        loss=loss,
        notes=loaded.notes,
        rate=rate,
        own_rate=own_rate,
        lifted=unclipped,
        mistake=mistake,
        loaded=loaded,
        traits=Traits(
            one_hot=one_hot,
            crossed=crossed,
            cell_bias=by_itself or any(CELL_BIAS.search(line) for line in every),
            head_bias=by_itself or any("p.b_y" in line for line in every),
        ),
        build=lines,
        forward=forward_lines,
        backward=backward_lines,
        shown=dict(shown),
        between=filled if between is None else statements_of(between),
        own=own,
    )
    return with_adapter(binding, own)


def statements_of(text: str) -> tuple[str, ...]:
    """Return the statements of a text of Python, each as it is written, without comments between them.

    Raises
    ------
    UsageError
        If it isn't Python, or has a gap, `...`, in the place of a value.
    """
    plain = textwrap.dedent(text).strip()
    try:
        tree = ast.parse(plain)
    except SyntaxError as error:
        message = f"How a network is called is stated in Python; line {error.lineno} of {plain!r} isn't: {error.msg}."
        raise UsageError(message) from error
    within = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.Subscript)
        for node in ast.walk(each.slice)
    }
    gaps = (
        n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value is ... and id(n) not in within
    )
    if (gap := min(gaps, key=lambda node: node.lineno, default=None)) is not None:
        line = plain.splitlines()[gap.lineno - 1].strip()
        message = (
            f"How a network is called is not all stated: `{line}` has a gap, `...`. Write what belongs there."
        )
        raise UsageError(message)
    return tuple(ast.get_source_segment(plain, node) or "" for node in tree.body)
