"""The mutants of a file: mutmut's operators applied to every function, decorated ones included.

What is not mutated: statements outside functions; annotations; triple-quoted strings; the wording of prose: of strings
of three words or more or written in several pieces. (Names, axes and choices are shorter. What messages must say is
asserted by tests, but a capital letter in a sentence is no behaviour.) Nor is what is only said to type checkers
(`cast`), or what the program asserts of itself (`strict` of `zip`).
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from types import CodeType

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor, OuterFunctionProvider, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

PROSE = 3
"""Words from which a string is a sentence or a part of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one function."""

    path: Path
    function: str  # its qualified name
    node: cst.FunctionDef
    old: cst.CSTNode
    new: cst.CSTNode
    lines: range  # those of the changed statement

    def code(self) -> CodeType:
        """Compile the changed function, within its class where it asks `super()` for that."""
        source, (*_, owner, _) = self._source(self.new), ("", *self.function.split("."))
        within = owner and "super()" in source
        text = f"class {owner}:\n{indent(source, ' ')}" if within else source
        code = compile(text, str(self.path), "exec")
        for _ in range(1 + bool(within)):
            code = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
        return code

    def changed_default(self) -> tuple[str, ast.expr] | None:
        """Return the parameter whose default is changed, and its new default; None for any other change."""
        before, after = (_defaults(self._source(node)) for node in (self.old, self.new))
        changed = [name for name in after if ast.dump(after[name]) != ast.dump(before[name])]
        return (changed[0], after[changed[0]]) if changed else None

    def __str__(self) -> str:
        """Tell what is changed, in words that stay the same while the code around it moves."""
        before, after = (self._source(node).splitlines() for node in (self.old, self.new))
        diff = [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]
        lines = [f"{sign} {line[2:].strip()}" for sign in "-+" for line in diff if line[0] == sign]
        return "\n".join([f"{self.path.as_posix()} {self.function}", *lines])

    def _source(self, node: cst.CSTNode) -> str:
        """Return the function, undecorated and by itself, with `node` in the place of the old one."""
        bare = self.node.with_changes(decorators=[], leading_lines=[], lines_after_decorators=[])
        changed = deep_replace(bare, self.old, node)
        assert isinstance(changed, cst.FunctionDef)
        return cst.Module(body=[changed]).code


def mutants(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file, in the order of its text."""
    text = path.read_text(encoding="utf-8")
    statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    wrapper = MetadataWrapper(cst.parse_module(text))
    found = _Everywhere()
    wrapper.visit(found)
    names = dict(_functions(wrapper.module, ()))
    for node, old, new, line in found.changes:
        yield Mutant(
            path=path, function=names[node], node=node, old=old, new=new, lines=_statement(statements, line)
        )


class _Everywhere(MutationVisitor):
    """mutmut's visitor, which goes into decorated functions too and spares prose."""

    def __init__(self) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))
        self.changes: list[tuple[cst.FunctionDef, cst.CSTNode, cst.CSTNode, int]] = []

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return False
        prose = isinstance(node, cst.ConcatenatedString) or (
            isinstance(node, cst.SimpleString) and len(node.value.split()) >= PROSE
        )
        return prose or _says_only(node) or super()._skip_node_and_children(node)

    def _create_mutations(self, node: cst.CSTNode) -> None:
        before = len(self.mutations)
        super()._create_mutations(node)
        outer = self.get_metadata(OuterFunctionProvider, node, None)
        if isinstance(outer, cst.FunctionDef):
            line = self.get_metadata(PositionProvider, node).start.line
            new = [m.mutated_node for m in self.mutations[before:]]
            self.changes += [(outer, node, other, line) for other in new if not _same_but_strict(node, other)]


def _says_only(node: cst.CSTNode) -> bool:
    """Tell whether a node is there for type checkers, or asserts that lengths are equal."""
    if isinstance(node, cst.Call):
        return isinstance(node.func, cst.Name) and node.func.value == "cast"
    return isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict"


def _same_but_strict(old: cst.CSTNode, new: cst.CSTNode) -> bool:
    """Tell whether two calls differ in the assertion alone that lengths are equal."""
    if not (isinstance(old, cst.Call) and isinstance(new, cst.Call)) or old.func is not new.func:
        return False
    before, after = ([id(arg) for arg in call.args if not _says_only(arg)] for call in (old, new))
    return before == after


def _functions(
    parent: cst.Module | cst.ClassDef, outer: tuple[str, ...]
) -> Iterator[tuple[cst.FunctionDef, str]]:
    """Yield the functions and methods of a module with their qualified names."""
    body = parent.body if isinstance(parent, cst.Module) else parent.body.body
    for node in body:
        if isinstance(node, cst.FunctionDef):
            yield node, ".".join((*outer, node.name.value))
        elif isinstance(node, cst.ClassDef):
            yield from _functions(node, (*outer, node.name.value))


def _defaults(function: str) -> dict[str, ast.expr]:
    """Return the default of every parameter that has one."""
    definition = ast.parse(function).body[0]
    assert isinstance(definition, ast.FunctionDef)
    given = definition.args
    positional = [a.arg for a in (*given.posonlyargs, *given.args)]
    named = dict(zip(positional[::-1], given.defaults[::-1], strict=False))
    return named | {
        a.arg: d for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None
    }


def _statement(statements: list[ast.stmt], line: int) -> range:
    """Return the lines of the innermost statement around `line`; of a compound one those up to it.

    A change in a function's head is everywhere in the function.
    """
    around = [s for s in statements if s.lineno <= line <= (s.end_lineno or s.lineno)]
    inner = max(around, key=lambda s: (s.lineno, -(s.end_lineno or s.lineno)))
    end = inner.end_lineno or inner.lineno
    compound = hasattr(inner, "body") and not isinstance(inner, ast.FunctionDef)
    return range(inner.lineno, (line if compound else end) + 1)
