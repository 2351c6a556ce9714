"""The second state of an LSTM: c_0 in the place of an h_0 that an argument called like a memory was given."""

import ast

from msgspec import structs

from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import last_name, parameters_of

STATE, MEMORY = "p.h_0", "p.c_0"


def with_memory(forward: Forward) -> list[Forward]:
    """Return a forward pass that is handed c_0 where it takes a memory: by an argument, in a pair, or in our loop.

    Of two states neither of which is called so, the second is one, or else the first.
    """
    starts = tuple(
        line.replace(STATE, MEMORY) if line.startswith("c_0 = ") else line for line in forward.starts
    )
    changed = structs.replace(forward, starts=starts)
    if forward.loop:
        return [changed]
    texts = dict.fromkeys(_with_memory(forward, later=later) for later in (True, False))
    return [
        structs.replace(changed, arguments=structs.replace(forward.arguments, text=text)) for text in texts
    ]


def _with_memory(forward: Forward, *, later: bool) -> str:
    """Return the text of the arguments; of two states neither of which is called a memory, the `later` one is one."""
    call = ast.parse(f"f({forward.arguments.text})", mode="eval").body
    assert isinstance(call, ast.Call)  # noqa: S101 - it is written as one
    called = [q.name for q in parameters_of(forward.function(forward.call)) or []]
    nodes = [*zip(called, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
    handed = [(name, node) for name, node in nodes if STATE in ast.unparse(node)]
    memories = [node for name, node in handed if names.MEMORY.fullmatch(name.strip("_"))]
    memories += [
        each
        for _, node in handed
        for held in ast.walk(node)
        if isinstance(held, ast.Dict)
        for key, each in zip(held.keys, held.values, strict=True)
        if isinstance(key, ast.Constant) and names.MEMORY.fullmatch(last_name(str(key.value)))
    ]
    pairs = [node.elts[later] for _, node in handed if isinstance(node, ast.Tuple)]
    called_neither = len(handed) > 1 and not memories and not pairs
    chosen = {id(node) for node in (*memories, *pairs, *([handed[later][1]] if called_neither else []))}
    text = ast.unparse(_Handed(chosen).visit(call))
    return text.removeprefix("f(").removesuffix(")")


class _Handed(ast.NodeTransformer):
    """Puts c_0 in the place of h_0 inside of some nodes."""

    def __init__(self, chosen: set[int]) -> None:
        self.chosen = chosen
        self.inside = False

    def visit(self, node: ast.AST) -> ast.AST:
        """Return a node, changed where it is one of those or below one."""
        before, self.inside = self.inside, self.inside or id(node) in self.chosen
        if self.inside and isinstance(node, ast.Attribute) and ast.unparse(node) == STATE:
            node.attr = MEMORY.removeprefix("p.")
        found = super().generic_visit(node)
        self.inside = before
        return found
