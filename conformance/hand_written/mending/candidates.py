"""The edits of one state that make it better: evaluated in recorded frames, or where that tells nothing, by running."""

import ast
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.mending import statements
from conformance.hand_written.mending.changes import exchanged
from conformance.hand_written.mending.evaluating import Evaluator, NotEvaluated
from conformance.hand_written.mending.functions import Function
from conformance.hand_written.mending.known import Id, is_zero
from conformance.hand_written.mending.nodes import (
    matrix_product,
    named_in,
    parsed,
    plus,
    slopes,
    times,
    told,
    transposed,
)
from conformance.hand_written.mending.reach import reach_of
from conformance.hand_written.mending.recording import Frame, Instrumented, Recorded, recorded
from conformance.hand_written.mending.state import RUN, Files, Question, Score, State, first_wrong, judged
from conformance.hand_written.mending.statements import Rewritten
from conformance.hand_written.mending.units import Unit
from conformance.hand_written.mending.variants import SMALL, Reach, Variant, variants

ANY, RUNNING = 9.0, 1.5
"""What edits may cost that put something new in: any; and those that are tried by running, each of which takes long."""

ZERO = -1
"""Stands for the adjoint of what has no effect."""


class Step(Struct, frozen=True, kw_only=True):
    """A state that an edit led to."""

    score: Score
    cost: float
    files: Files
    advances: bool = False  # whether the first wrong value comes later
    doubtful: bool = False  # whether what it edits was an adjoint already, or is made of a wrong value

    @property
    def is_sound(self) -> bool:
        """Whether what it edits is a mistake by itself, and what was wrong first is right now."""
        return self.score.complete or (self.advances and not self.doubtful)


def order(step: Step) -> tuple[object, ...]:
    """Return the place of a state among others: all right, then sound edits, then what makes more right earlier."""
    score = step.score
    if score.complete:
        return False, step.cost
    adjoints = tuple(-n for n in score.adjoints)
    return True, step.doubtful, not step.advances, adjoints, -score.gradients, step.cost


class Candidates:
    """The edits of one state that make it better."""

    def __init__(self, question: Question, state: State, *, rich: bool) -> None:
        self.question, self.state, self.rich = question, state, rich
        self.tried: set[tuple[int, str]] = set()
        self.order = sorted(state.at, key=lambda k: state.at[k][0])

    def _editable(self) -> Iterator[int]:
        for k in self.order:
            if self.question.budget.over:
                return
            if self.question.may_edit(self.state.units[k]) and self._frames(self.state.at[k]):
                yield k

    def _frames(self, events: Sequence[int]) -> list[Frame]:
        return [e.frame for n in events if (e := self.state.events[n]).frame is not None]

    def _is_fine(self, k: int) -> bool:
        """Return whether every value of a unit is an adjoint, or 0 at some steps."""
        state = self.state
        values = [(state.matches[n], state.events[n].value) for n in state.at[k]]
        return all(match is not None or is_zero(value) for match, value in values) and not state.carries_zero(
            k
        )

    def _with_products(self, unit: Unit, reach: Reach, evaluate: Evaluator) -> Iterator[Variant]:
        """Yield the product of an adjoint in reach with another value, in the place of a unit and added to it."""
        whole = unit.expression
        values = {text: evaluate(node) for text, node in reach.values.items()}
        for u, one in values.items():
            if self.question.known.one(one) is None:
                continue
            for w, other in values.items():
                left, right = reach.values[u], reach.values[w]
                products = [times(left, right)] if one.shape == other.shape else []
                if other.ndim == 2:
                    products += [
                        matrix_product(left, transposed(right)),
                        matrix_product(transposed(right), left),
                        matrix_product(transposed(left), right),
                    ]
                for product in products:
                    new = plus(whole, product)
                    yield Variant(1.8, new, whole, new)
                    yield Variant(1.9, product, whole, product)

    def _is_spoilt(self, unit: Unit, evaluators: Sequence[Evaluator]) -> bool:
        """Return whether a unit is made of a value that is wrong already."""
        for node in named_in(unit.expression).values():
            for evaluate in evaluators:
                try:
                    value = evaluate(node)
                except Exception:
                    continue
                if isinstance(value, np.ndarray) and value.tobytes() in self.state.wrong_values:
                    return True
        return False

    def by_value(self) -> Iterator[Step]:
        """Yield what edits lead to whose values are adjoints in the recorded frames."""
        state = self.state
        survivors: list[tuple[bool, bool, int, Variant]] = []
        for k in self._editable():
            if k in state.clean:
                continue
            unit, frames = state.units[k], self._frames(state.sound(k))
            evaluators = [Evaluator(frame, unit.expression) for frame in frames]
            fine, spoilt = self._is_fine(k), self._is_spoilt(unit, evaluators)
            if (fine or spoilt) and not self.rich:
                continue
            reach = reach_of(unit, frames[-1])
            now = [ZERO if is_zero(state.events[n].value) else state.matches[n] for n in state.sound(k)]
            edits = variants(unit.expression, reach, limit=ANY if self.rich else SMALL)
            if self.rich:
                edits = itertools.chain(edits, self._with_products(unit, reach, evaluators[-1]))
            for variant in edits:
                self.question.budget.spend()
                ids = self._ids(variant.whole, evaluators)
                if ids and ids != now:
                    survivors.append((fine or spoilt or _leaves_a_term_out(variant), fine, k, variant))
                if self.question.budget.over:
                    return
        for doubtful, _, k, variant in sorted(survivors, key=lambda each: (*each[:2], each[3].cost)):
            yield from self._run(k, variant, doubtful=doubtful)
        if self.rich:
            yield from self._by_statement(self._slopes_put_in())
            yield from self._by_statement(self._carried_on())

    def _ids(self, expression: ast.expr, evaluators: Sequence[Evaluator]) -> list[Id]:
        """Return the adjoints that an expression is in some frames, a different one in each; none where it isn't."""
        ids: list[Id] = []
        for evaluate in reversed(evaluators):
            try:
                value = evaluate(expression)
            except Exception:
                return []
            if len(evaluators) > 1 and is_zero(value):
                ids.append(ZERO)
                continue
            id_ = self.question.known.one(value)
            if id_ is None:
                return []
            ids.append(id_)
        adjoints = [each for each in ids if each != ZERO]
        return ids[::-1] if adjoints and len(set(adjoints)) == len(adjoints) else []

    def _run(self, k: int, variant: Variant, extra: float = 0.0, *, doubtful: bool = False) -> Iterator[Step]:
        """Yield the state with one unit edited, if it is better."""
        state, question = self.state, self.question
        key = (k, ast.unparse(variant.whole))
        if key in self.tried or question.budget.over or key[1] == state.units[k].target:
            return
        self.tried.add(key)
        try:
            codes = {**state.instrumented.codes, **state.instrumented.code_with(k, variant.whole)}
        except (SyntaxError, ValueError, TypeError):
            return
        question.budget.spend(RUN)
        run = recorded(question.program, question.live, codes)
        if run is None:
            return
        score, matches = judged(question, state.units, run)
        if not score.better_than(state.score):
            return
        files = self._written(k, variant)
        if files is not None:
            doubtful = doubtful and score.gradients == state.score.gradients
            first = first_wrong(question, state.units, run, matches, state.is_clean)
            advances = first > state.first_wrong
            yield Step(
                score=score, cost=variant.cost + extra, files=files, advances=advances, doubtful=doubtful
            )

    def _written(self, k: int, variant: Variant) -> Files | None:
        unit = self.state.units[k]
        file = unit.function.key[0]
        text = exchanged(unit, self.state.files[file], variant.old, variant.new, variant.whole)
        return None if text is None else {**self.state.files, file: text}

    def by_running(self) -> Iterator[Step]:
        """Yield what edits lead to whose values are no adjoints: slopes, what is kept, whole statements."""
        yield from self._by_small_edits()
        yield from self._by_statement(self._rewrites())

    def _by_small_edits(self) -> Iterator[Step]:
        state = self.state
        for k in self._editable():
            if k not in state.clean and self._is_fine(k) and not self.rich:
                continue
            unit, frames = state.units[k], self._frames(self.state.at[k])
            evaluators = [Evaluator(frame, unit.expression) for frame in frames]
            values = [state.events[n].value for n in state.at[k]]
            for variant in variants(
                unit.expression, reach_of(unit, frames[0]), limit=SMALL if not self.rich else 1.5
            ):
                if k in state.clean or state.carries_zero(k) or variant.cost <= 1.1:
                    self.question.budget.spend()
                    if _changes(variant.whole, evaluators, values):
                        yield from self._run(k, variant, 0.2, doubtful=k not in state.clean)

    def _by_statement(self, rewrites: Iterator[tuple[str, Rewritten]]) -> Iterator[Step]:
        """Yield what edits of whole statements lead to."""
        for file, rewrite in rewrites:
            if self.question.budget.over:
                return
            files = {**self.state.files, file: rewrite.source}
            instrumented, run = self._ran(files)
            if run is None:
                continue
            score, matches = judged(self.question, instrumented.units, run)
            if score.better_than(self.state.score):
                first = first_wrong(self.question, instrumented.units, run, matches, self.state.is_clean)
                known = {unit.signature for unit in self.state.units}
                old = sum(instrumented.units[e.unit].signature in known for e in run.events[:first])
                advances = old > self.state.first_wrong
                yield Step(score=score, cost=rewrite.cost, files=files, advances=advances)

    def _rewrites(self) -> Iterator[tuple[str, Rewritten]]:
        files = self.state.files
        functions: dict[object, Function] = {}
        done: set[int] = set()
        for k in self._editable():
            unit = self.state.units[k]
            file = unit.function.key[0]
            functions[unit.function.key] = unit.function
            if id(unit.statement) not in done:
                done.add(id(unit.statement))
                yield from ((file, each) for each in statements.rewritten(unit, files[file], rich=self.rich))
        if self.rich or self.state.is_right_in_the_walk:
            for function in functions.values():
                file = function.key[0]
                yield from ((file, each) for each in statements.relooped(function, files[file]))
                yield from ((file, each) for each in statements.summed(function, files[file]))
                yield from ((file, each) for each in statements.begun_at_zero(function, files[file]))
        if self.rich:
            for function in functions.values():
                file = function.key[0]
                yield from ((file, each) for each in statements.copied(function, files[file]))
                yield from ((file, each) for each in statements.moved(function, files[file]))

    def _slopes_put_in(self) -> Iterator[tuple[str, Rewritten]]:
        """Yield sources in which a loop first multiplies with a slope what then is an adjoint at its first step."""
        files = self.state.files
        done: set[int] = set()
        for k in self._editable():
            unit, frames = self.state.units[k], self._frames(self.state.at[k])
            loop = statements.loop_around(unit)
            if loop is None or loop.lineno in done or loop.body[0] is not unit.statement:
                continue
            done.add(loop.lineno)
            evaluate, reach = Evaluator(frames[0], unit.expression), reach_of(unit, frames[0])
            file = unit.function.key[0]
            for name in (text for text in reach.values if text.isidentifier()):
                for value in reach.values.values():
                    for slope in slopes(value):
                        product = times(reach.values[name], slope)
                        self.question.budget.spend()
                        if self._ids(product, [evaluate]) and _changes(
                            product, [evaluate], [evaluate(reach.values[name])]
                        ):
                            rewrite = Rewritten(
                                1.9, statements.before(loop.body[0], f"{name} = {told(product)}", files[file])
                            )
                            yield file, rewrite

    def _carried_on(self) -> Iterator[tuple[str, Rewritten]]:
        """Yield sources in which what a loop carries to its next step is multiplied with a value at its end."""
        for k in self._editable():
            unit, events = self.state.units[k], [self.state.events[n] for n in self.state.at[k]]
            loop = statements.loop_around(unit)
            if loop is None or not unit.target.isidentifier() or unit.target not in statements.carried(loop):
                continue
            frames = [
                replace(each.frame, local={**each.frame.local, unit.target: each.value})
                for each in events
                if each.frame is not None
            ]
            evaluators = [Evaluator(frame, unit.expression) for frame in frames]
            file, name = unit.function.key[0], parsed(unit.target)
            for value in reach_of(unit, frames[-1]).values.values():
                for product in (
                    times(name, value),
                    matrix_product(name, transposed(value)),
                    matrix_product(transposed(value), name),
                ):
                    self.question.budget.spend()
                    if self._ids(product, evaluators):
                        line = f"{unit.target} = {told(product)}"
                        yield (
                            file,
                            Rewritten(1.6, statements.after(loop.body[-1], line, self.state.files[file])),
                        )

    def _ran(self, files: Files) -> tuple[Any, Recorded | None]:
        try:
            instrumented = Instrumented(files, self.question.may_edit)
        except (SyntaxError, ValueError):
            return None, None
        self.question.budget.spend(2 * RUN)
        return instrumented, recorded(self.question.program, self.question.live, instrumented.codes)


def _leaves_a_term_out(variant: Variant) -> bool:
    """Return whether an edit leaves a term of a sum out: what is left may be an adjoint through some of the uses."""
    old = variant.old
    return (
        isinstance(old, ast.BinOp)
        and isinstance(old.op, (ast.Add, ast.Sub))
        and (variant.new is old.left or variant.new is old.right)
    )


def _changes(expression: ast.expr, evaluators: Sequence[Evaluator], values: Sequence[Any]) -> bool:
    """Return whether an expression has a value in some frames, another one than was there in one of them at least."""
    for evaluate, earlier in zip(evaluators, values, strict=True):
        try:
            value = evaluate(expression)
        except NotEvaluated:
            return True
        except Exception:
            return False
        if not isinstance(value, np.ndarray) or not isinstance(earlier, np.ndarray):
            return True
        if value.shape != earlier.shape or not np.array_equal(value, earlier):
            return True
    return False
