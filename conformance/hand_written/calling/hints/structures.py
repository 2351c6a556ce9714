"""Arguments that a function uses through their attributes and entries alone: what such an object must hold."""

import ast

OF_ARRAYS = frozenset(
    [
        *("T", "shape", "size", "ndim", "dtype", "copy", "dot", "sum", "mean", "reshape", "ravel", "flatten"),
        *(
            "transpose",
            "astype",
            "tolist",
            "max",
            "min",
            "argmax",
            "append",
            "items",
            "keys",
            "values",
            "get",
            "pop",
        ),
    ]
)
"""What arrays, lists and dicts have themselves: who uses it wants one of those."""


def held_by(nodes: tuple[ast.AST, ...]) -> dict[str, dict[str, bool]]:
    """Return, by the name of each argument that is used so, the paths into it, and whether only their length is asked.

    `nodes` are those of a class, of whose constructor the arguments are meant, or of a function.

    An argument that is used by itself anywhere is left out, as is one indexed first by anything but a constant text:
    that may be an array or a list.

    >>> held_by(tuple(ast.walk(ast.parse("def backward(batch, weights): return batch.answers[0].column @ weights"))))
    {'batch': {'.answers[0].column': False}}
    """
    above = {id(inner): node for node in nodes for inner in ast.iter_child_nodes(node)}
    definition = next((node for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))), None)
    if isinstance(definition, ast.ClassDef):
        made = (n for n in definition.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
        definition = next(made, None)
    if not isinstance(definition, ast.FunctionDef):
        return {}
    found: dict[str, dict[str, bool]] = {}
    signature = definition.args
    for name in [a.arg for a in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)]:
        uses = [n for n in ast.walk(definition) if isinstance(n, ast.Name) and n.id == name]
        paths = [_path(use, above) for use in uses]
        if paths and all(path is not None for path in paths):
            known = [path for path in paths if path is not None]
            inside = tuple(f"{path}{mark}" for path, _ in known for mark in ".[")
            if not any(
                path.startswith(inside) for path, _ in known
            ):  # nothing is used both by itself and by parts
                found[name] = {path: all(counted for p, counted in known if p == path) for path, _ in known}
    return found


def _path(use: ast.Name, above: dict[int, ast.AST]) -> tuple[str, bool] | None:
    """Return the path into an argument at one use of it, and whether its length alone is asked; None for itself."""
    path, node = "", above.get(id(use))
    inner: ast.AST = use
    while node is not None:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr not in OF_ARRAYS:
            path += f".{node.attr}"
        elif _is_a_key(node, inner, first=not path):
            path += f"[{ast.unparse(node.slice)}]"
        else:
            break
        inner, node = node, above.get(id(node))
    if not path or (isinstance(node, ast.Call) and node.func is inner):
        return None
    counted = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"
    return path, counted


def _is_a_key(node: ast.AST, inner: ast.AST, *, first: bool) -> bool:
    """Tell an entry that is taken by a constant; a number at the outermost may well index an array."""
    if not isinstance(node, ast.Subscript) or node.value is not inner or not isinstance(node.ctx, ast.Load):
        return False
    if not isinstance(node.slice, ast.Constant):
        return False
    key = node.slice.value
    return (isinstance(key, str) and key.isidentifier()) or (isinstance(key, int) and not first)
