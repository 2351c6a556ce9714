"""Which ways of mending a source suit which seam, the likeliest first."""

import ast
import re
from collections.abc import Iterator, Mapping

from conformance.hand_written.diagnosis import operators as op
from conformance.hand_written.diagnosis.edits import Edit, spots

READING = (op.at_another_step, op.another_name, op.of_a_sequence)
SLOPE = (op.unwrapped, op.tanh_prime, op.without_index, *READING)
SUMMING = (op.added_up, op.left_out, op.one_operand, op.summed, op.other_bounds)

BY_SEAM: Mapping[str, tuple[op.Operator, ...]] = {
    "activation": (op.unwrapped, op.one_operand),
    "recurrence": (op.transposed, op.another_name, op.at_another_step),
    "start": (op.another_name, op.unwrapped),
    "biases": (op.another_name, op.with_more),
    "inputs": READING,
    "kept": READING,
    "head_input": READING,
    "derivative": SLOPE,
    "slope_at": READING,
    "head_loss": (op.unwrapped, op.one_operand),
    "head_carry": (op.transposed,),
    "head_passed": (op.another_name, op.one_operand),
    "entry": (op.at_last_only, op.at_another_step, op.set_anew, op.left_out, op.with_more),
    "d_h_n": (op.unwrapped, op.another_name, op.with_more),
    "carry": (
        op.transposed,
        op.with_the_other_sign,
        op.one_operand,
        op.another_target,
        op.left_out,
        op.another_name,
        op.with_more,
    ),
    "carried": (*READING, op.one_operand),
    "arrives": (op.set_anew, op.added_up, op.another_target, op.with_more),
    "joined": (op.joined_before,),
    "steps": (op.other_bounds,),
    "order": (op.backwards,),
    "truncation": (op.other_bounds, op.left_out, op.unwrapped),
    "x_read": READING,
    "h_read": (op.after_first, *READING),
    "formed_ih": (op.another_name,),
    "formed_hh": (op.another_name,),
    "formed_b": (op.another_name,),
    "outer": (op.transposed, op.outer_product),
    "reduce_ih": SUMMING,
    "reduce_hh": SUMMING,
    "reduce_b": SUMMING,
    "rows": SUMMING,
    "bias_gradients": (op.summed, op.one_operand, op.left_out, op.added_up, op.another_name),
    "clip": (op.left_out, op.unwrapped, op.one_operand),
    "d_x": (op.transposed, op.another_name),
    "d_h_0": (op.another_name, op.unwrapped),
    "head_read": READING,
    "scale_ih": (op.one_operand, op.summed, op.left_out),
    "scale_hh": (op.one_operand, op.summed, op.left_out),
    "scale_b": (op.one_operand, op.summed, op.left_out),
    "scale_head": (op.one_operand, op.summed, op.left_out),
    "scale_head_bias": (op.one_operand, op.summed, op.left_out),
    "reduce_head": SUMMING,
    "reduce_head_bias": SUMMING,
    "head_bias": SUMMING,
}
"""The operators that may mend a wrong choice at each seam."""


FORWARD = ("activation", "recurrence", "start", "biases", "inputs", "kept", "head_input")
"""Seams of the forward pass; all others are looked for where a function's name speaks of gradients first."""

BACKWARD = re.compile(r"back|grad|bptt|deriv|prime|^d_?[a-z]+$|train|update", re.IGNORECASE)


INTO_ITSELF = re.compile(r"\b([\w.]+)(\.(append|insert|extend)\((\d+, *)?\1\)|\[[^\]]*\] = \1$)")
"""What puts a container into itself, of which no array can be made."""


def edits(seam: str, files: Mapping[str, str], *, handed_out: bool = False) -> Iterator[Edit]:
    """Yield the edits that may mend a wrong choice at `seam`, in all files, those of the likeliest kind first.

    With `handed_out` only statements that hand something out are edited: what they make it of is right.
    """
    places = [spot for file, text in files.items() for spot in spots(file, text)]
    if handed_out:
        lines = {file: _handing_out(text) for file, text in files.items()}
        places = [spot for spot in places if spot.node.lineno in lines[spot.file]]
    places.sort(key=lambda spot: (seam in FORWARD) == bool(BACKWARD.search(spot.function)))
    seen: set[Edit] = set()
    for operator in BY_SEAM.get(seam, ()):
        for spot in places:
            for edit in operator(spot):
                if edit not in seen and not INTO_ITSELF.search(edit.shown(files[edit.file])[1]):
                    seen.add(edit)
                    yield edit


def _handing_out(text: str) -> set[int]:
    """Return the lines of statements that return something, store it in an attribute or an entry, or loop over both."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        part: ast.AST = node
        if isinstance(node, ast.For) and _changes_its_variables(node):
            part = node.iter
        elif not isinstance(node, ast.Return) and not any(map(_is_stored, _targets(node))):
            continue
        if isinstance(part, (ast.stmt, ast.expr)):
            found.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return found


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign) else []


def _is_stored(target: ast.expr) -> bool:
    return any(isinstance(part, (ast.Attribute, ast.Subscript)) for part in ast.walk(target))


def _changes_its_variables(loop: ast.For) -> bool:
    """Tell whether a loop changes in place what it goes over: for w, g in zip(weights, gradients): w -= rate * g."""
    names = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    changed = {
        ast.unparse(node.target).partition("[")[0]
        for node in ast.walk(loop)
        if isinstance(node, ast.AugAssign)
    }
    return bool(names & changed)
