"""The ways in which code may want to be given x, h_0 and weights."""

import itertools
import re
from collections.abc import Sequence

from msgspec import Struct

from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Option, Parameter
from conformance.hand_written.calling.values.forms import Form


class Inputs(Struct, frozen=True, kw_only=True):
    """One way to give x: its expression, whether it holds several samples, whether it is ids."""

    text: str
    batched: bool
    ids: bool = False
    form: Form | None = None

    @property
    def of_one_sample(self) -> bool:
        """Whether an array has an axis for samples, with one sample on it."""
        return (
            self.form is not None
            and self.form.container == "array"
            and len(self.form.axes) == 3
            and "1" in self.form.axes
        )


SHARE = "0.5"
"""What is handed over for a share that isn't known: a guess, with which nothing need be right."""


def _of(container: str, axes: str, *, batched: bool) -> Inputs:
    form = Form(container, axes)  # pyright: ignore[reportArgumentType]
    return Inputs(text=form.encode("p.x"), batched=batched, form=form)


INPUTS = (
    *(_of("array", axes, batched=True) for axes in ("BTN", "TBN", "NBT", "TNB", "BNT", "NTB")),
    *(_of("list", axes, batched=True) for axes in ("TBN", "TNB")),
    *(_of("array", axes, batched=False) for axes in ("TN", "TN1", "T1N", "NT", "1TN", "N1T", "1NT")),
    *(_of("list", axes, batched=False) for axes in ("TN1", "TN", "T1N")),
    _of("nested", "TN", batched=False),
    Inputs(text="p.ids[:, 0].tolist()", batched=False, ids=True),
    Inputs(text="p.ids[:, 0]", batched=False, ids=True),
    Inputs(text="p.ids.T", batched=True, ids=True),
    Inputs(text="p.ids", batched=True, ids=True),
)
"""Arrays of several samples first: code that takes a batch is asked for one."""

IN_A_TABLE = (
    Inputs(text="p.rows.T", batched=True),
    Inputs(text="p.rows", batched=True),
    Inputs(text="p.rows[:, 0].tolist()", batched=False),
    Inputs(text="p.rows[:, 0]", batched=False),
)
"""Ids of words that a table of the network stands for, which holds our inputs."""

ONE_FEATURE = (_of("array", "T", batched=False), _of("nested", "T", batched=False))
"""Forms for I = 1 alone."""

WEIGHT = re.compile(r"[UVWRK]|[Ww]\w{0,3}|[Ww](eight)?s?_?\w*|\w*kernel\w*|theta_?\d", re.ASCII)
"""Names of arguments that are weight matrices of some kind."""

ROLES = ("W_ih", "W_hh", "W_hy")
"""The matrices of a network with a head."""

STYLES = (("columns", "column"), ("rows", "flat"), ("columns", "flat"), ("rows", "row"))
"""How weights that are arguments are turned, and how biases are laid out."""


MASKS = ("(p.B, p.T)", "(p.T, p.B)", "p.T", "(p.B, p.T, 1)", "(p.T, p.B, 1)")
LENGTHS = ("np.full(p.B, p.T)", "[p.T] * p.B")
"""What says that every step of every sequence counts."""


def states(expression: str, *, batched: bool) -> list[str]:
    """Return the ways to give a state (B, H)."""
    if batched:
        return [expression, f"{expression}.T", f"{expression}[None]"]
    return [f"{expression}.T", f"{expression}[0]", expression, f"{expression}[None]", f"{expression}.T[None]"]


def weight(role: str, style: tuple[str, str]) -> str:
    """Return a parameter as a style has it."""
    if role[0] == "W":
        return f"p.{role}" if style[0] == "columns" else f"p.{role}.T"
    return f"p.{role}" + {"flat": "", "column": "[:, None]", "row": "[None]"}[style[1]]


def roles_of(parameters: Sequence[str]) -> dict[str, str]:
    """Return which parameter of the network each name hints at, two biases told apart by their order."""
    hints = {name: names.weight_hint(name) for name in parameters}
    biases = [name for name, hint in hints.items() if hint == "b"]
    found = {name: hint for name, hint in hints.items() if hint is not None}
    if len(biases) == 2:
        found |= dict(zip(biases, ("b_ih", "b_hh"), strict=True))
    return found


def meanings_of(parameters: Sequence[Parameter]) -> list[dict[str, str]]:
    """Return which argument may be which parameter of the network: as their names say, and other ways round.

    Empty dicts where a function takes no weights.
    """
    named = roles_of([q.name for q in parameters])
    likely = [q.name for q in parameters if WEIGHT.fullmatch(q.name) and q.required and not q.indexes]
    if {"W_ih", "W_hh"} <= set(named.values()) and not (
        len(likely) == len(ROLES) and set(likely) - set(named)
    ):
        matrices = [name for name, role in named.items() if role[0] == "W"]
        orders = itertools.permutations([named[name] for name in matrices])
        return [named | dict(zip(matrices, order, strict=True)) for order in orders]
    if not 2 <= len(likely) <= 3:
        return [{}]
    called_so = [q.name for q in parameters if q.name.lower().startswith("b") and q.required]
    after = [q.name for q in parameters if q.added and q.required and not q.sizes and q.name not in likely]
    biases = (called_so or [name for name in after if roles_of([name]) == {}])[:2]
    roles = ROLES[: len(likely)]
    rest = dict(zip(biases, ("b", "b_y"), strict=False))
    return [dict(zip(likely, order, strict=True)) | rest for order in itertools.permutations(roles)]


def _is_a_size(parameter: Parameter) -> bool:
    """Tell whether a default is a size that was written down: `vocab_size=27`."""
    return type(parameter.default) is int and parameter.default > 1 and len(parameter.name) > 1


def plain_options(parameter: Parameter) -> list[Option]:
    """Return what any parameter may be given by its name alone: rates, sizes, switches."""
    name = parameter.name.strip("_")
    if parameter.rate:
        return [("1.0", 0.0, "rate")]
    if parameter.share and parameter.required:
        return [(SHARE, 0.0, "share")]
    if names.TRUNCATION.fullmatch(name) and (parameter.required or isinstance(parameter.default, int)):
        return [("10**6", 0.0, "truncation"), ("p.T", 0.3, "truncation")]
    if parameter.counted:
        return [("range(p.I)", 0.0, "size"), ("range(p.O)", 0.3, "size")]
    if names.EPOCHS.fullmatch(name):
        return [("1", 0.0, "epochs")]
    if parameter.required and names.MASK.fullmatch(name):
        return [(f"np.ones({shape})", 0.1 * n, "mask") for n, shape in enumerate(MASKS)]
    if parameter.required and names.LENGTHS.fullmatch(name):
        return [(text, 0.1 * n, "lengths") for n, text in enumerate(LENGTHS)]
    found = _sizes(parameter, names.size_hint(name))
    if parameter.required:
        found += [("None", 4.0, "nothing"), ("True", 4.5, "flag"), ("0", 4.6, "zero")]
    return found


def _sizes(parameter: Parameter, hint: str | None) -> list[Option]:
    """Return the sizes that a parameter may be given: the one that its name says, or any if arrays are made of it."""
    if hint in ("T", "H", "I", "O", "B", "V") and (parameter.required or _is_a_size(parameter)):
        found = [(f"p.{'I' if hint == 'V' else hint}", 1.0 if parameter.required else 0.2, "size")]
        return [*found, ("p.H", 1.3, "size")] if hint == "B" and parameter.required else found
    if parameter.sizes and parameter.required and hint is None:
        return [(f"p.{size}", 1.2 + 0.2 * n, "size") for n, size in enumerate("HIO")]
    return []
