"""Finding out how somebody's torch module is called, and what its parameters stand for: by shapes, then by values."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from conformance.cases import Case, materialise
from conformance.errors import Unsupported
from conformance.hand_written.calling import Interface
from conformance.hand_written.calling.hints.names import STATE
from conformance.hand_written.torch_modules.building import BATCH, OURS, STEPS, built, choosable_layers
from conformance.hand_written.torch_modules.calls import Calling, callings, outlets
from conformance.hand_written.torch_modules.plans import OF_TORCH, START, Network, Plan, plans, surprises
from conformance.hand_written.torch_modules.written_module import Numbers, WrittenModule, numbers_in
from conformance.subjects.reference import observe

if TYPE_CHECKING:
    import torch

MOST = 8
"""Ways of reading a module that are handed on where none gives the right outputs, as its names hint first."""

MOST_READINGS = 256
"""Ways to read one module's parameters in a network of certain sizes that are tried."""

STACKS: tuple[tuple[int, int], ...] = ((1, 1), (2, 1), (1, 2), (3, 1), (2, 2), (4, 1))
"""Layers and directions that are tried."""

NEAR = float(np.finfo(np.float32).eps) ** 0.5
"""Half of the digits of single precision: as near as outputs come where a reading is right; it only orders readings."""


def module_bounds(value: Any) -> Iterator[WrittenModule]:  # noqa: ANN401 - a module or a class of them
    """Yield the ways of calling a module, or a class of them, that run; those that give the right outputs first.

    Raises
    ------
    Unsupported
        If it can't be built, or if nothing that it gives is recognised.
    """
    several = ""
    if isinstance(value, type) and (layers := choosable_layers(value)):
        right = _right_with_two(value, layers)
        if right is not None:
            yield right
            return
        several = f"with {layers}=2 it gives other outputs than torch's stack of layers"
    with numbers_in("double"):
        prototype = (built(value) if isinstance(value, type) else deepcopy(value)).eval()
    for numbers in ("double", "single"):
        module = prototype.double() if numbers == "double" else prototype.float()
        found = False
        for bound in _bounds(module, numbers):
            found = True
            yield structs.replace(bound, contradicted=several)
        if found:
            return
    held = ", ".join(f"{name} {tuple(p.shape)}" for name, p in prototype.named_parameters())
    message = f"no way of calling it gives outputs of a known shape: it has {held or 'no parameters'}"
    raise Unsupported(message)


def _right_with_two(kind: type, layers: str) -> WrittenModule | None:
    """Return the way of calling a stack of two layers of a class that gives the right outputs, None without any."""
    with numbers_in("double"):
        try:
            module = built(kind, **{layers: 2}).eval().double()
        except Unsupported:
            return None
    ways = (either for bound in _readings(module, "double") for either in (bound, _with_relu(bound)))
    return next(filter(_gives_the_right_outputs, ways), None)


def _bounds(module: torch.nn.Module, numbers: Numbers) -> Iterator[WrittenModule]:
    """Yield the ways of calling a module in one precision: as Elman's network, or else as another one."""
    left: list[WrittenModule] = []
    for bound in _readings(module, numbers):
        right = next(filter(_gives_the_right_outputs, (bound, _with_relu(bound))), None)
        if right is not None:
            yield right
        else:
            left.append(bound)
    left.sort(key=lambda bound: surprises(bound.plan))
    yield from left[:MOST]
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    if not any(True for network in networks(shapes) for _ in plans(shapes, network, frozenset())):
        yield from _of_another_network(module, numbers)


def _with_relu(bound: WrittenModule) -> WrittenModule:
    return structs.replace(bound, problem_case=replace(bound.problem_case, nonlinearity="relu"))


def _readings(module: torch.nn.Module, numbers: Numbers) -> Iterator[WrittenModule]:
    """Yield the ways of reading a module as Elman's network that run, and that say of the most results what they are.

    What a module returns is what is judged: a reading that knows nothing of its output might find its last state right.
    """
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    known = _of_known_orientation(module)
    running: list[tuple[WrittenModule, list[Plan]]] = []
    for network in networks(shapes):
        read = list(islice(plans(shapes, network, known), MOST_READINGS))
        for calling in _callings(module) if read else ():
            first = _running(module, read[0], network, calling, numbers)
            if first is not None:
                running.append((first, read))
    most = max((len(first.outlets) for first, _ in running), default=0)
    for first, read in running:
        if len(first.outlets) == most:
            yield from (_with_plan(first, plan) for plan in read)


def networks(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Network]:
    """Yield the networks that parameters of these shapes may be of: our sizes first, cells for several scans last."""
    dimensions = sorted({n for shape in shapes.values() for n in shape})
    sums = {a - b for a in dimensions for b in dimensions if a > b}
    possible = [n for n in sorted({*dimensions, *sums}) if n > 0]
    hidden = [n for n in possible if any(n in shape for shape in shapes.values())]
    sizes = sorted(
        ((i, h, o) for h in hidden for i in possible for o in (*possible, 0)),
        key=lambda s: (s[:2] != OURS[:2], s[2] not in (0, OURS[2]), len(set(s)) < 3, s[2] == 0),
    )
    for layers, directions in STACKS:
        for i, h, o in sizes:
            yield Network(inputs=i, hidden=h, outputs=o, layers=layers, directions=directions)
    for shared in ("layers", "directions"):
        for i, h, o in sizes:
            layers, directions = (2, 1) if shared == "layers" else (1, 2)
            yield Network(inputs=i, hidden=h, outputs=o, layers=layers, directions=directions, shared=shared)


def _of_known_orientation(module: torch.nn.Module) -> frozenset[str]:
    """Return the parameters that belong to layers of torch's own, whose matrices are (outputs, inputs)."""
    from torch import nn

    kinds = (nn.Linear, nn.RNNCellBase, nn.RNNBase)
    return frozenset(
        f"{owner}.{name}" if owner else name
        for owner, layer in module.named_modules()
        if isinstance(layer, kinds)
        for name, _ in layer.named_parameters(recurse=False)
    )


def _callings(module: torch.nn.Module) -> Iterator[Calling]:
    """Yield the ways of calling a module that its forward pass admits."""
    parameters = [
        p
        for p in inspect.signature(module.forward).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
    ]
    required = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
    names = [p.name for p in parameters]
    state_like = len(names) > 1 and STATE.fullmatch(names[1]) is not None
    # torch's own modules take everything: nn.Sequential(*input)
    return callings(required, names, state_like=state_like)


def _running(
    module: torch.nn.Module, plan: Plan, network: Network, calling: Calling, numbers: Numbers
) -> WrittenModule | None:
    """Return the module called so, with the case that its outputs admit; None where it doesn't run or gives nothing."""
    case = Case(
        nonlinearity="tanh",
        layers=network.layers,
        bidirectional=network.directions == 2,
        steps=STEPS,
        batch=1 if calling.form == "(T, I)" else BATCH,
        layout="unbatched" if calling.form == "(T, I)" else "time-first",
        input_size=network.inputs,
        hidden_size=network.hidden,
        output_size=network.outputs,
        h_0=False,
        cotangents="output",
        dtype="f64",
        regime="gain1.2",
        bias=any(name.startswith("bias_") for part in plan.values() for name in part.names),
    )
    bound = WrittenModule(
        prototype=module,
        plan=plan,
        calling=calling,
        numbers=numbers,
        of_torchs_cells=_of_torchs_cells(module),
        problem_case=case,
        name=type(module).__name__,
        interface=Interface(target=type(module).__name__, lines=()),
    )
    try:
        found = outlets(bound.results(bound.admit(materialise(case))), case)
    except Exception:  # noqa: BLE001 - a module refuses what it isn't meant for in its own ways
        return None
    what = {outlet.what for outlet in found}
    seen = {"y": "output", "y_last": "last"} if network.outputs else {"output": "output", "h_n": "h_n"}
    cotangents = next((how for name, how in seen.items() if name in what), None)
    if cotangents is None:
        return None
    bound = structs.replace(bound, outlets=found, problem_case=replace(case, cotangents=cotangents))
    return _with_plan(bound, plan)


def _with_plan(bound: WrittenModule, plan: Plan) -> WrittenModule:
    """Return the same module read by another plan, and told so."""
    lines = (f"{bound.calling}; gradients by autograd", *(f"{name} = {part}" for name, part in plan.items()))
    held = {name for part in plan.values() for name in part.names}
    biased = any(name.startswith("bias_") for name in held)
    case = replace(bound.problem_case, h_0=START in held, bias=biased)
    interface = Interface(target=bound.name, lines=lines)
    return structs.replace(bound, plan=plan, problem_case=case, interface=interface)


def _of_torchs_cells(module: torch.nn.Module) -> bool:
    """Return whether every recurrent matrix of a module belongs to a cell of torch's own."""
    from torch import nn

    cells = (nn.RNNCell, nn.RNN)
    inside = [layer for layer in module.modules() if isinstance(layer, cells)]
    names = [name for layer in inside for name, _ in layer.named_parameters()]
    linear = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    held = len(names) + sum(1 for layer in linear for _ in layer.parameters(recurse=False))
    return (
        bool(inside) and all(OF_TORCH.fullmatch(n) for n in names) and held == len(list(module.parameters()))
    )


def _gives_the_right_outputs(bound: WrittenModule) -> bool:
    """Return whether a reading gives outputs that are right in half of their digits."""
    problem = bound.admit(materialise(bound.problem_case))
    try:
        shown = bound.seen(problem)
    except Exception:  # noqa: BLE001 - a module refuses what it isn't meant for in its own ways
        return False
    right = observe(problem, np.float64)
    layout = problem.layout
    wanted = {"output": layout.time_major(right.output), "h_n": layout.batched_state(right.h_n)}
    if right.y is not None:
        wanted |= {"y": layout.time_major(right.y), "y_last": layout.time_major(right.y)[-1]}
    return all(_near(array, wanted[name]) for name, array in shown.items())


def _near(shown: np.ndarray, wanted: np.ndarray) -> bool:
    return shown.shape == wanted.shape and bool(np.abs(shown - wanted).max() <= NEAR * np.abs(wanted).max())


def _of_another_network(module: torch.nn.Module, numbers: Numbers) -> Iterator[WrittenModule]:
    """Yield the first way of calling a module whose parameters are none of Elman's, if its outputs are recognised."""
    dimensions = {n for p in module.parameters() for n in p.shape}
    for inputs in sorted(dimensions, key=lambda n: n != OURS[0]):
        for calling in _callings(module):
            if calling.state or calling.form == "step by step":
                continue
            for hidden in sorted(dimensions, key=lambda n: n != OURS[1]):
                network = Network(inputs=inputs, hidden=hidden, outputs=0)
                bound = _running(module, {}, network, calling, numbers)
                if bound is not None:
                    notes = ("Its parameters are none of an Elman network's; they keep their own names.",)
                    yield structs.replace(bound, notes=notes)
                    return
