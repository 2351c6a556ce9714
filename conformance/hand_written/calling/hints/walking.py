"""What the source of a function shows of a backward pass, whatever it is called: walks back, sums of products."""

import ast
import re
from collections.abc import Collection

from conformance.hand_written.calling.hints.sources import nodes_of, source_of

BACK = re.compile(r"reversed\(|\[::-1\]|, -1\)")
"""What a loop backwards goes over."""


PRODUCT = re.compile(r"\bdot\(|\.T\b|@|outer\(|matmul\(|einsum\(")
"""What a backward pass is full of."""


ACTIVATED = re.compile(r"\b(tanh|relu|sigmoid|logistic|maximum|activation|act)\(")
"""How a state is made of sums."""


def walks_back(function: object) -> bool:
    """Tell whether a function has a loop over time backwards."""
    return any(
        isinstance(node, ast.For) and BACK.search(ast.unparse(node.iter)) for node in nodes_of(function)
    )


def makes_states(function: object) -> bool:
    """Tell whether a function has a loop that isn't one backwards, in which products are put through an activation."""
    loops = [n for n in nodes_of(function) if isinstance(n, ast.For) and not BACK.search(ast.unparse(n.iter))]
    texts = [ast.unparse(loop) for loop in loops]
    return any(ACTIVATED.search(text) and PRODUCT.search(text) and not BACK.search(text) for text in texts)


def walks_back_and_adds(function: object) -> bool:
    """Tell whether a function multiplies and adds up in a loop over time backwards, or takes something off weights.

    Something that merely reverses a sequence does neither.
    """
    if not walks_back(function):
        return False
    sums = [node for node in nodes_of(function) if isinstance(node, ast.AugAssign)]
    weights = (ast.Attribute, ast.Subscript)
    return any(isinstance(node.op, ast.Sub) and isinstance(node.target, weights) for node in sums) or (
        any(isinstance(node.op, ast.Add) for node in sums) and PRODUCT.search(source_of(function)) is not None
    )


def adds_up_products(function: object) -> bool:
    """Tell whether a loop adds products to several sums, as a backward pass does even if it walks the wrong way."""
    return any(len(_sums(node)) > 1 for node in nodes_of(function) if isinstance(node, ast.For))


def changes(function: object, parameters: Collection[str]) -> bool:
    """Tell whether a function takes something off one of some parameters, or adds something to it."""
    for node in nodes_of(function):
        match node:
            case ast.AugAssign(op=ast.Sub() | ast.Add(), target=target):
                pass
            case ast.Assign(targets=[target], value=ast.BinOp(left=left)) if ast.unparse(left) == ast.unparse(
                target
            ):
                pass
            case _:
                continue
        if ast.unparse(target).partition("[")[0].rpartition(".")[2] in parameters:
            return True
    return False


def _sums(loop: ast.For) -> set[str]:
    """Return what products are added to in a loop."""
    return {
        ast.unparse(node.target)
        for node in ast.walk(loop)
        if isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Add)
        and PRODUCT.search(ast.unparse(node.value))
    }
