"""A backward pass that takes the gradient of the final states: asked with a loss that sees h_n, and c_n, as well."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from msgspec import Struct, structs

from conformance.hand_written.calling.asking import Asked, Question, question
from conformance.hand_written.calling.backwards.search import Backward, again
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Parameter, given, parameters_of
from conformance.hand_written.calling.hints.inputs import states
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import values
from conformance.subjects.reference import observe

ZEROS = "np.zeros_like(p.h_0"


class Way(Struct, frozen=True, kw_only=True):
    """One way of handing over the gradients of the final states: by which arguments, and whether of c_n too."""

    texts: Mapping[str, str]
    memory: bool = False

    @property
    def name(self) -> str:
        """What the arguments are called."""
        return " and ".join(self.texts)


def with_final(loaded: Loaded, backward: Backward) -> tuple[Backward, str]:
    """Return `backward` handed dL/dh_n, of an LSTM dL/dc_n too, where an argument takes it by its name; else as it is.

    What is in the place of it must make every gradient right. Where it does so in no way of handing it over, that is
    returned in words: the argument is wrong, or it is another one than its name says. One that can be nothing else and
    makes no difference is handed over all the same, to be judged.
    """
    forward = backward.forward
    if forward.sizes.O or forward.loop or forward.fault or backward.entry.last:
        return backward, ""
    denied = ""
    for way in _ways(backward):
        lines = _handing(backward, way.texts)
        asked = _asked(forward, memory=way.memory)
        put = structs.replace(backward, forward=structs.replace(forward, asked=asked))
        seen = again(loaded, put, lines) if lines else None
        blind = again(loaded, put, backward.lines)
        if seen is None or blind is None:
            continue
        ignored = _same(seen, blind)
        if seen.wrong == 0 or (ignored and names.SURELY_FINAL.fullmatch(way.name.strip("_"))):
            whole = way.memory or "c" not in forward.asked.case.carried
            return (seen if whole else backward), ""  # no case has a loss of h_n without c_n
        others = "no others than without it" if ignored else "others than the right gradients"
        denied = denied or f"handed the gradient of the final state as {way.name}, it gives {others}"
    return backward, denied


def _asked(forward: Forward, *, memory: bool) -> Question:
    """Return the question of a loss that sees every output and h_n again, and where asked for c_n."""
    asked = question(replace(forward.asked.case, cotangents="both"), forward.asked.traits)
    if memory or asked.problem.d_c_n is None:
        return asked
    problem = replace(asked.problem, d_c_n=np.zeros_like(asked.problem.d_c_n))
    return structs.replace(asked, problem=problem, p=Asked(problem), exact=observe(problem, np.float64))


def _ways(backward: Backward) -> Iterator[Way]:
    """Yield the ways of handing over the gradients of the final states, both together first."""
    forward, parameters = backward.forward, _parameters(backward)
    handed = given(parameters, _arguments(backward))
    free = {q.name: handed.get(q.name, "") for q in parameters if _is_free(q, handed)}
    of_h = next((name for name in free if names.FINAL.fullmatch(name.strip("_"))), "")
    of_c = next((name for name in free if names.FINAL_MEMORY.fullmatch(name.strip("_"))), "")
    if "c" not in forward.asked.case.carried:
        yield from (Way(texts={of_h: text}) for text in _texts(forward, free, of_h, "p.d_h_n"))
        return
    if of_h and of_c:
        texts = (_texts(forward, free, name, of) for name, of in ((of_h, "p.d_h_n"), (of_c, "p.d_c_n")))
        yield from (Way(texts={of_h: h, of_c: c}, memory=True) for h, c in zip(*texts, strict=False))
        return
    if of_h:
        both = zip(*(_texts(forward, {}, of_h, of) for of in ("p.d_h_n", "p.d_c_n")), strict=True)
        yield from (Way(texts={of_h: f"({h}, {c})"}, memory=True) for h, c in both)
        yield from (Way(texts={of_h: text}) for text in _texts(forward, free, of_h, "p.d_h_n"))


def _texts(forward: Forward, free: Mapping[str, str], name: str, of: str) -> list[str]:
    """Return the expressions of a final state's gradient: laid out as the zeros in its place, or in any way."""
    if not name:
        return []
    zeros = free.get(name, "")
    if zeros:
        return [zeros.removeprefix("np.zeros_like(").removesuffix(")").replace("p.h_0", of)]
    return states(of, batched=forward.inputs.batched)


def _is_free(parameter: Parameter, handed: Mapping[str, str]) -> bool:
    """Tell whether a parameter is handed zeros like a state, or was left out."""
    if parameter.name in handed:
        return handed[parameter.name].startswith(ZEROS)
    return parameter.default is None or parameter.default in (0, ())


def _parameters(backward: Backward) -> list[Parameter]:
    return parameters_of(backward.forward.function(backward.call)) or []


def _arguments(backward: Backward) -> str:
    return backward.lines[-1].partition("(")[2].removesuffix(")")


def _handing(backward: Backward, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines of a backward pass with other arguments of these names; none where the last one is no call."""
    *before, line = backward.lines
    body = ast.parse(line).body
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Assign) else None
    if not isinstance(call, ast.Call):
        return ()
    placed = [q.name for q in _parameters(backward)][: len(call.args)]
    for name, text in texts.items():
        expression = ast.parse(text, mode="eval").body
        if name in placed:
            call.args[placed.index(name)] = expression
        else:
            kept = [keyword for keyword in call.keywords if keyword.arg != name]
            call.keywords = [*kept, ast.keyword(arg=name, value=expression)]
    return (*before, ast.unparse(body[0]))


def _same(one: Backward, other: Backward) -> bool:
    """Tell whether two runs gave the same gradients to the last bit."""
    first, second = (values(each.ran, each.harvest.expressions) for each in (one, other))
    return first.keys() == second.keys() and all(np.array_equal(g, second[path]) for path, g in first.items())
