"""What the parameters of a backward pass may be given: the loss's argument, x, what forward left, weights, zeros."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from conformance.hand_written.calling.backwards.entries import Entry
from conformance.hand_written.calling.building.construct import part_called
from conformance.hand_written.calling.building.records import is_record
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Option, Parameter, given, parameters_of
from conformance.hand_written.calling.hints.inputs import plain_options, roles_of, states
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.hints.sites import handed_on
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.reach import reach

NOWHERE: Mapping[str, str] = MappingProxyType({})

STARTS = re.compile(r"\bp\.[hc]_0\b")
"""The states that a forward pass starts from."""


def roles_in(forward: Forward, parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return which parameters of a backward function are weights: those called as in the forward function first."""
    if not forward.fills:
        return {}
    return {**roles_of([q.name for q in parameters]), **forward.meaning}


def at_its_sites(
    loaded: Loaded, forward: Forward, call: str, parameters: Sequence[Parameter]
) -> dict[str, str]:
    """Return what a backward pass is handed from the forward pass where the target's own script calls both."""
    if forward.loop or forward.given or call == forward.call:
        return {}
    own = _of_forward(forward)
    passed = given(own, forward.arguments.text)
    arguments = [passed[q.name] if passed.get(q.name) in ("x", "params") else "" for q in own]
    first, second = (text.rpartition(".")[2] for text in (forward.call, call))
    return handed_on(loaded, first, second, arguments, [q.name for q in parameters])


def options_of_backward(
    parameter: Parameter,
    *,
    forward: Forward,
    entry: Entry | None,
    roles: dict[str, str],
    sites: Mapping[str, str] = NOWHERE,
) -> list[Option]:
    """Return what one parameter of a backward pass may be given; without an entry there is no argument of the loss.

    What it is given at the `sites` where the script calls it comes first.
    """
    name = parameter.name.strip("_")
    found = plain_options(parameter)
    if any(kind in ("rate", "truncation", "epochs") for _, _, kind in found):
        return found
    if parameter.name in roles and roles[parameter.name] in forward.fills:
        return [(forward.fills[roles[parameter.name]], 0.0, "weight")]
    if (part := part_called(forward.built, parameter.name)) is not None:
        return [(part, 0.0, "parameter")]
    if forward.given and (sure := _surely(parameter)):
        return [(sure, 0.0, "x" if sure == "x" else "result")]
    if (handed := sites.get(parameter.name)) is not None:
        found.append((handed, 0.0, "x" if handed == "x" else "result"))
    passed = given(_of_forward(forward), forward.arguments.text).get(parameter.name, "")
    if not forward.loop:  # what goes by the same name in both passes
        found += [(passed, 0.05, passed)] if passed in ("params", "x") else []
        found += [(passed, 0.04, "state")] if STARTS.search(passed) else []
    fits = entry is not None and _takes(name, entry)
    found += [] if entry is None else _entered(parameter, entry, fits=fits)
    found += _left(parameter, forward)
    if names.INPUT.fullmatch(name) or parameter.required:
        found.append(("x", 0.1 if names.INPUT.fullmatch(name) and not fits else 2.5, "x"))
    if names.NEXT.fullmatch(name) or names.STATE.fullmatch(name):
        zeros = [f"np.zeros_like({text})" for text in states("p.h_0", batched=forward.inputs.batched)]
        plain = states("p.h_0", batched=forward.inputs.batched)
        found += [
            (t, 0.6 + 0.1 * n, "zeros") for n, t in enumerate(zeros if names.NEXT.fullmatch(name) else plain)
        ]
    if isinstance(parameter.default, bool):
        found.append(("", 0.0, "left out"))
    return found


def _takes(name: str, entry: Entry) -> bool:
    """Tell whether a parameter is called like what the loss enters by."""
    enters = names.UPSTREAM if entry.kind in ("dL/dy", "dL/dh") else names.TARGET
    return enters.fullmatch(name) is not None and not names.NEXT.fullmatch(name)


def _entered(parameter: Parameter, entry: Entry, *, fits: bool) -> list[Option]:
    """Return the loss's argument in its layouts; no cotangent for what is called like a target."""
    if entry.kind.startswith("dL/") and names.SURELY_A_TARGET.search(parameter.name):
        return []
    optional = 0.0 if parameter.required else 0.2
    return [
        (text, (0.0 if fits else 1.5) + 0.2 * n + optional, "entry") for n, text in enumerate(entry.texts)
    ]


def _of_forward(forward: Forward) -> list[Parameter]:
    return parameters_of(forward.function(forward.call)) or []


def _left(parameter: Parameter, forward: Forward) -> list[Option]:
    """Return what of the forward pass a parameter may be given: nothing where it is called like a target."""
    if names.SURELY_A_TARGET.search(parameter.name):
        return []
    return (_of_the_reference if forward.given else _left_by_forward)(parameter, forward)


def _left_by_forward(parameter: Parameter, forward: Forward) -> list[Option]:
    """Return what forward returned, whole and in parts, and what was given to it."""
    name = parameter.name
    known = returned_names(forward.function(forward.call), "result")
    found: list[Option] = []
    result = forward.ran.names.get("result")
    if isinstance(result, (tuple, list, dict)) and len(result) <= 12:
        for item in reach("result", result, depth=2):
            if item.path == "result":
                continue
            label = known.get(item.path, item.name)
            same = label.lower() == name.lower()
            likely = names.CACHE.fullmatch(name.strip("_")) and not isinstance(item.value, np.ndarray)
            likely = likely or is_record(item.value)
            cost = 0.05 if same else 0.2 if _comes_apart(item.value, parameter) else 0.9 if likely else 2.2
            found.append((item.path, cost, "result"))
    shown = forward.outputs
    if names.OUTPUT.fullmatch(name.strip("_")) and shown is not None:
        if shown.source.startswith("result"):
            found.append((shown.source, 0.15, "outputs"))
        elif shown.source.startswith("[element."):
            found.append(("result", 0.15, "outputs"))  # objects that hold them
    kept = forward.best("h")
    stated = names.STATE.fullmatch(name.strip("_")) or names.CACHE.fullmatch(name.strip("_"))
    if stated and kept is not None and not kept.last and kept.source.startswith("result["):
        found.append((kept.source, 0.15, "states"))
    whole = bool(names.CACHE.fullmatch(name.strip("_"))) or known.get("result", "").lower() == name.lower()
    found.append(("result", 0.3 if whole else 0.6 if is_record(result) else 2.4, "result"))
    if "params" in forward.built.setup.roots:
        found.append(("params", 0.1 if names.PARAMS.fullmatch(name) else 2.6, "params"))
    return found


PRE_ACTIVATION = re.compile(r"[az]s?|pre_?\w*|net\w*|sums?", re.IGNORECASE)
"""How people call what goes into tanh."""


def _of_the_reference(parameter: Parameter, forward: Forward) -> list[Option]:
    """Return what the caller of a backward pass has that stands alone: states, outputs, both in one."""
    name = parameter.name.strip("_")
    if parameter.parts:
        own = [_best(Parameter(name=part), forward) for part in parameter.parts]
        return [(f"({', '.join(own)})", 0.0, "result")]
    state = parameter.neighbours or names.STATE.fullmatch(name) or names.CACHE.fullmatch(name)
    found = [
        ("result['h']", 0.0 if parameter.neighbours else 0.15 if state else 2.2, "result"),
        ("result['y']", 0.15 if names.OUTPUT.fullmatch(name) else 2.3, "result"),
    ]
    if "prev" in name:
        found.append(("result['before']", 0.1, "result"))
    return found + ([("result['sums']", 0.3, "result")] if PRE_ACTIVATION.fullmatch(name) else [])


def _surely(parameter: Parameter) -> str:
    """Return what a parameter must be: states, of which neighbours are taken, or x by its name; else nothing."""
    name = parameter.name.strip("_")
    others = (names.TARGET, names.UPSTREAM, names.STATE, names.OUTPUT)
    if parameter.neighbours:
        return "result['h']"
    return "x" if names.INPUT.fullmatch(name) and not any(p.fullmatch(name) for p in others) else ""


def _best(part: Parameter, forward: Forward) -> str:
    """Return what one part of something that is handed over may be: x by its name, else what is likeliest."""
    if names.INPUT.fullmatch(part.name.strip("_")):
        return "x"
    return min(_of_the_reference(part, forward), key=lambda option: option[1])[0]


def _comes_apart(value: object, parameter: Parameter) -> bool:
    """Tell whether something has as many parts as a parameter is taken apart into."""
    return isinstance(value, (tuple, list)) and 1 < len(parameter.parts) == len(value)


def listed(parameter: Parameter, *, options: Callable[[Parameter], list[Option]]) -> list[Option]:
    """Return what a parameter may be given where sequences and their targets come in lists: of one sequence here."""
    return [
        (f"[{text}]" if kind in ("x", "entry") else text, c, kind) for text, c, kind in options(parameter)
    ]
