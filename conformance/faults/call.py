"""What a network is called with: the arrays of a problem, time-major and batched, and those of a second call."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.errors import Unsupported
from conformance.faults import shifts
from conformance.faults.seams import Choices
from refrnn import Array

ONE_LENGTH = {
    "inputs": ("before", "after", "reshaped", "reshaped to batch-first"),
    "kept": ("before", "last"),
    "reverse": ("left reversed",),
    "head_input": ("before",),
    "slope_at": ("last", "before", "before, wrapping", "after", "entered"),
    "entry": (
        "last everywhere",
        "early",
        "early, none last",
        "late",
        "late, wrapping",
        "last only",
        "last doubled",
        "reversed",
        "sum at last",
        "accumulated",
    ),
    "d_h_n": ("every step", "replaces output"),
    "steps": ("last skipped", "first skipped"),
    "order": ("forwards",),
    "truncation": ("segments", "windows", "last steps"),
    "x_read": ("before", "before, wrapping", "last", "after", "mean"),
    "h_read": ("before, wrapping", "zero at first", "last", "two before", "mean"),
    "repeats": ("last of all",),
    "reduce_ih": ("first step", "last step"),
    "reduce_hh": ("first step", "last step"),
    "reduce_b": ("first step", "last step"),
}
"""Choices that look at other steps than their own; beside padding it is open which those are."""


class Call(Struct, frozen=True, kw_only=True):
    """The arguments of one forward and backward call; what the loss doesn't see has zeros for a cotangent."""

    x: Array  # (T, B, I), 0 in the padding
    h_0: Array  # (L·D, B, H)
    d_output: Array  # (T, B, D·H), or (T, B, O) where a head lies between
    d_h_n: Array  # (L·D, B, H)
    active: Array  # (T, B, 1) where samples have steps, as far as the network knows


def first_call(problem: Problem, choices: Choices) -> Call:
    """Return the call that `problem` describes, as the network reads it."""
    case = problem.case
    real = problem.active[:, :, np.newaxis]
    x = np.where(real, problem.layout.time_major(problem.x), problem.dtype.type(0))
    d_output = _cotangent(problem)
    d_h_n = np.zeros_like(problem.initial_state)
    if problem.d_h_n is not None:
        d_h_n = problem.layout.batched_state(problem.d_h_n)
    active = np.ones_like(real) if choices.lengths == "ignored" else real
    return Call(
        x=_read(choices, x),
        h_0=_started(choices, problem.initial_state, case.directions),
        d_output=np.where(active, d_output, problem.dtype.type(0)),
        d_h_n=d_h_n,
        active=active,
    )


def second_call(problem: Problem, choices: Choices, call: Call, h_n: Array, d_hidden: Array) -> Call:
    """Return the same call as the network sees it once more.

    The first one ended in `h_n` (L·D, B, H), and sent `d_hidden` (T, B, D·H) into the last layer's states.
    """
    if choices.calls == "state leaks" and problem.h_0 is None:
        return replace(call, h_0=h_n)
    if choices.calls == "h_0 overwritten" and problem.h_0 is not None:
        return replace(call, h_0=h_n)
    if choices.calls == "cotangent overwritten" and problem.d_output is not None and problem.head is None:
        return replace(call, d_output=d_hidden)
    return call


def refuse(problem: Problem, choices: Choices) -> None:
    """Refuse what these choices leave open in this case.

    Raises
    ------
    Unsupported
        If a choice has no meaning here; the message says which and why.
    """
    wrong, case = choices.departures(), problem.case
    if case.cell != "rnn":
        message = f"The catalogue's network is an Elman network; this case is about an {case.cell.upper()}."
        raise Unsupported(message)
    if case.lengths:
        for seam, choice in wrong.items():
            if choice in ONE_LENGTH.get(seam, ()):
                message = f"{seam} = {choice!r}: which steps that means beside padding is open."
                raise Unsupported(message)
    square = case.input_size == case.hidden_size or (case.layers > 1 and not case.bidirectional)
    if not square and (choices.d_x == "untransposed" or choices.carry == "input weights"):
        message = "W_ih can stand for its transpose or for W_hh only where it is square; here no layer's is."
        raise Unsupported(message)
    width = case.directions * case.hidden_size
    if choices.head_carry == "untransposed" and case.output_size not in (0, width):
        message = f"W_hy can stand for its transpose only where O = D·H; here O = {case.output_size} and D·H = {width}."
        raise Unsupported(message)
    if case.layers > 1 and case.input_size != width:
        if choices.below == "x":
            message = (
                f"An upper layer can read x only where I = D·H; here I = {case.input_size} and D·H = {width}."
            )
            raise Unsupported(message)
        if choices.layer_weights == "all of first layer's":
            message = f"All layers can be one cell only where I = D·H; here I = {case.input_size} and D·H = {width}."
            raise Unsupported(message)


def _cotangent(problem: Problem) -> Array:
    """Return the cotangent of what the loss sees, zeros where it doesn't."""
    case = problem.case
    seen = problem.d_output if problem.head is None else problem.head.d_y
    if seen is None:
        width = case.output_size or case.directions * case.hidden_size
        return np.zeros((case.steps, case.batch, width), problem.dtype)
    return problem.layout.time_major(seen)


def _read(choices: Choices, x: Array) -> Array:
    """Return what the network reads of x (T, B, I)."""
    match choices.inputs:
        case "before":
            return shifts.before(x, shifts.nothing(x))
        case "after":
            return shifts.after(x)
        case "nudged":
            return x + 1e-12
        case _:
            return regrouped(choices.inputs, x)


BACK = {"reshaped": "reshaped to batch-first", "reshaped to batch-first": "reshaped"}
"""What undoes a reshaping."""


def regrouped(inputs: str, x: Array) -> Array:
    """Return x (T, B, I) as a network reads it that reshapes where it should transpose; x itself in others."""
    if inputs == "reshaped":
        return np.ascontiguousarray(x.swapaxes(0, 1)).reshape(x.shape)
    if inputs == "reshaped to batch-first":
        return x.reshape(x.shape[1], x.shape[0], x.shape[2]).swapaxes(0, 1)
    return x


def _started(choices: Choices, h_0: Array, directions: int) -> Array:
    """Return the states (L·D, B, H) from which the scans start."""
    if choices.start == "zeros":
        return np.zeros_like(h_0)
    if choices.start == "first layer's":
        return np.concatenate([h_0[:directions]] * (len(h_0) // directions))
    return h_0
