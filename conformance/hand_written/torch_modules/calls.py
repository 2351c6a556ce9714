"""How somebody's torch module is called: how x and the initial state go in, and where in its results what is found.

What a result is, is told by its shape in a call in which all sizes differ; from then on it is found by its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from conformance.cases import Case
from conformance.errors import Unsupported

if TYPE_CHECKING:
    import torch

Form: TypeAlias = Literal["(T, B, I)", "(B, T, I)", "(T, I)", "step by step"]
FORMS: tuple[Form, ...] = ("(T, B, I)", "(B, T, I)", "step by step", "(T, I)")

State: TypeAlias = Literal["", "(B, H)", "(L·D, B, H)", "[(B, H), …]"]
STATES: tuple[State, ...] = ("(B, H)", "(L·D, B, H)", "[(B, H), …]")
"""How an initial state is passed; "" for not at all."""

Path: TypeAlias = tuple[Any, ...]
STACKED = object()
"""The end of the path to a list of equal tensors, which stands for one tensor of them."""

Laid: TypeAlias = Literal["time first", "batch first", "one sample", "by place", "side by side"]


class Outlet(Struct, frozen=True, kw_only=True):
    """Where in a module's results something is found: what it is, its place, and how it lies."""

    what: Literal["output", "y", "y_last", "h_n"]
    path: Path
    laid: Laid

    def of(self, results: Any, case: Case) -> torch.Tensor:  # noqa: ANN401 - whatever a module returns
        """Return it time-major and batched: (T, B, ·), (B, O) or (L·D, B, H)."""
        tensor = _at(results, self.path)
        if self.laid == "batch first":
            return tensor.transpose(0, 1)
        if self.what == "h_n" and self.laid == "side by side":
            return tensor.reshape(case.batch, -1, case.hidden_size).transpose(0, 1)
        if self.what == "h_n":
            return tensor.reshape(-1, case.batch, case.hidden_size)
        if self.laid == "one sample":
            return tensor[None] if self.what == "y_last" else tensor.reshape(len(tensor), 1, -1)
        return tensor


class Calling(Struct, frozen=True, kw_only=True):
    """One way of calling a module."""

    form: Form
    state: State = ""

    def __str__(self) -> str:
        x = "x of one step (B, I)" if self.form == "step by step" else f"x {self.form}"
        return f"called with {x}{f', h {self.state}' if self.state else ''}"

    def results(self, module: torch.nn.Module, x: torch.Tensor, h_0: torch.Tensor) -> Any:  # noqa: ANN401
        """Return what the module gives for x (T, B, I) and h_0 (L·D, B, H); of single steps a list of all."""
        if self.form == "step by step":
            return _stepped(module, x, self._state(h_0), self)
        inputs = {"(T, B, I)": x, "(B, T, I)": x.transpose(0, 1), "(T, I)": x[:, 0]}[self.form]
        return module(inputs, *self._state(h_0 if self.form != "(T, I)" else h_0[:, 0]))

    def _state(self, h_0: torch.Tensor) -> tuple[Any, ...]:
        """Return the initial state as it is passed, in a tuple; an empty one where it isn't."""
        if not self.state:
            return ()
        if self.state == "(B, H)" and len(h_0) > 1:
            message = "several states don't fit in one"
            raise Unsupported(message)
        return ({"(B, H)": h_0[0], "(L·D, B, H)": h_0, "[(B, H), …]": list(h_0)}[self.state],)


def _stepped(
    module: torch.nn.Module, x: torch.Tensor, state: tuple[Any, ...], calling: Calling
) -> dict[str, Any]:
    """Call a module step by step; return the results of all steps as sequences, and the last state as h_n.

    Its new state is the first result that looks like the one that it was handed.
    """
    import torch

    if not state:
        message = "a step is handed the state before it"
        raise Unsupported(message)
    held, steps = state[0], []
    for x_t in x:
        results = module(x_t, held)
        held = _like(held, results)
        states = [held] if calling.state == "(B, H)" else list(held)
        steps.append(
            {"h": states[-1]} | {path: tensor for path, tensor in leaves(results) if tensor.ndim == 2}
        )
    found = {name: torch.stack([step[name] for step in steps]) for name in steps[0]}
    return {"sequences": found, "h_n": torch.stack([held] if calling.state == "(B, H)" else list(held))}


def _like(held: Any, results: Any) -> Any:  # noqa: ANN401 - a tensor or a list of them, in whatever a module returns
    """Return what among some results has the form of a state."""
    shape = [tuple(h.shape) for h in held]
    parts = [results, *(results.values() if isinstance(results, Mapping) else results)]
    for part in parts:
        tensors = hasattr(part, "detach") or (
            isinstance(part, (list, tuple)) and all(hasattr(p, "detach") for p in part)
        )
        alike = tensors and hasattr(part, "detach") == hasattr(held, "detach")
        if alike and [tuple(p.shape) for p in part] == shape:
            return part
    message = "a step gives no new state"
    raise Unsupported(message)


def leaves(results: Any, path: Path = ()) -> Iterator[tuple[Path, torch.Tensor]]:  # noqa: ANN401
    """Yield all tensors of nested tuples, lists and dicts with their paths; lists of equal ones as one as well."""
    import torch

    if isinstance(results, torch.Tensor):
        yield path, results
        return
    if isinstance(results, Mapping):
        items = list(results.items())
    elif isinstance(results, (list, tuple)):
        items = list(enumerate(results))
        if results and all(isinstance(r, torch.Tensor) and r.shape == results[0].shape for r in results):
            yield (*path, STACKED), torch.stack(list(results))
    else:
        items = list(vars(results).items()) if hasattr(results, "__dict__") else []
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def _at(results: Any, path: Path) -> torch.Tensor:  # noqa: ANN401 - whatever a module returns
    """Return the tensor at a path."""
    import torch

    for key in path:
        if key is STACKED:
            results = torch.stack(list(results))
        elif isinstance(results, (Mapping, list, tuple)):
            results = results[key]
        else:
            results = getattr(results, key)
    return results


def outlets(results: Any, case: Case) -> list[Outlet]:  # noqa: ANN401 - whatever a module returns
    """Return what is found where in the results of a call in which all sizes differ, each thing once."""
    known = _shapes(case)
    found: dict[str, Outlet] = {}
    lists: set[Path] = set()  # that are something as a whole, so that their parts are nothing
    for path, tensor in leaves(results):
        what, laid = known.get(tuple(tensor.shape), ("", "time first"))
        if what and path[:-1] not in lists:
            found.setdefault(what, Outlet(what=what, path=path, laid=laid))
            lists |= {path[:-1]} if path and path[-1] is STACKED else set()
    return list(found.values())


def _shapes(case: Case) -> dict[tuple[int, ...], tuple[Any, Laid]]:
    """Return what results of each shape are; where a head's output is as wide as a state, it is the head's."""
    T, B, H, O = case.steps, case.batch, case.hidden_size, case.output_size  # noqa: E741
    places, wide = case.layers * case.directions, case.directions * H
    found: dict[tuple[int, ...], tuple[Any, Laid]] = {}
    for what, size in (("y", O), ("output", wide)):
        if size:
            found.setdefault((T, B, size), (what, "time first"))
            found.setdefault((B, T, size), (what, "batch first"))
            if case.layout == "unbatched":
                found.setdefault((T, size), (what, "one sample"))
    if O:
        found.setdefault((B, O), ("y_last", "by place"))
        if case.layout == "unbatched":
            found.setdefault((O,), ("y_last", "one sample"))
    found.setdefault((places, B, H), ("h_n", "by place"))
    if places == case.directions:
        found.setdefault((B, wide), ("h_n", "side by side"))
    if case.layout == "unbatched":
        found.setdefault((places, H), ("h_n", "by place"))
        if places == 1:
            found.setdefault((H,), ("h_n", "by place"))
    found.setdefault((B, places, H), ("h_n", "batch first"))
    return found


def callings(required: int, names: Sequence[str], *, state_like: bool) -> Iterator[Calling]:
    """Yield the ways of calling a module whose forward pass requires so many arguments, the usual ones first.

    A state is passed where one is required, or where an optional argument is called like one.
    """
    takes_state = required > 1 or (len(names) > 1 and state_like)
    for form in FORMS:
        states: tuple[State, ...] = (*(STATES if takes_state else ()), *(("",) if required < 2 else ()))
        yield from (Calling(form=form, state=state) for state in states if state or form != "step by step")
