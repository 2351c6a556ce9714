"""Case ids: their grammar, and from an id to its case.

    rnn-<nonlinearity>|lstm|gru[-before][-L<layers>][-bi][-nobias][-drop<p>[-eval]]-T<steps>[-len<n.n.n>]-B<batch>|-single[-bf]
       -I<input>-H<hidden>[-proj<P>][-O<output>][-noh0][-noc0][-dout|-dhn|-dcn|-dlast|-dexpanded|-dstrided]
       -f32|-f64|-f16|-bf16[-gain<g>|-<regime>]-s<seed>

Parts in brackets are left out where they have their default, so that a case has exactly one id:

    rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0
"""

import re

from msgspec import Struct

from conformance.cases.case import CARRIED, COTANGENTS, REGIMES, Case
from conformance.errors import UsageError

EXAMPLE = "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0"
MOST_SHOWN = 200
"""Characters of a wrong id that its message repeats."""


class Token(Struct, frozen=True):
    """One part of an id: what may stand there, whether it may be left out, how messages show it, of which cells."""

    pattern: str
    optional: bool
    shown: str
    cells: tuple[str, ...] = tuple(CARRIED)


NUMBER = r"[1-9][0-9]{0,8}"
REGIME = "|".join([r"gain[0-9.]{1,12}", *REGIMES[1:]])
GRAMMAR = {
    "cell": Token(f"({'|'.join(CARRIED)})", optional=False, shown="|".join(CARRIED)),
    "nonlinearity": Token(r"(tanh|relu)", optional=False, shown="tanh|relu", cells=("rnn",)),
    "reset": Token(r"(before)", optional=True, shown="before", cells=("gru",)),
    "layers": Token(rf"L({NUMBER})", optional=True, shown="L<layers>"),
    "bidirectional": Token(r"(bi)", optional=True, shown="bi"),
    "bias": Token(r"(nobias)", optional=True, shown="nobias"),
    "dropout": Token(r"drop(0\.3|0\.5|0\.75|1)", optional=True, shown="drop<p>"),
    "evaluation": Token(r"(eval)", optional=True, shown="eval"),
    "steps": Token(rf"T({NUMBER})", optional=False, shown="T<steps>"),
    "lengths": Token(rf"len({NUMBER}(?:\.{NUMBER})*)", optional=True, shown="len<n.n.n>"),
    "batch": Token(rf"(B{NUMBER}|single)", optional=False, shown="B<batch>|single"),
    "layout": Token(r"(bf)", optional=True, shown="bf"),
    "input_size": Token(rf"I({NUMBER})", optional=False, shown="I<input size>"),
    "hidden_size": Token(rf"H({NUMBER})", optional=False, shown="H<hidden size>"),
    "proj_size": Token(rf"proj({NUMBER})", optional=True, shown="proj<P>", cells=("lstm",)),
    "output_size": Token(rf"O({NUMBER})", optional=True, shown="O<output size>"),
    "h_0": Token(r"(noh0)", optional=True, shown="noh0"),
    "c_0": Token(r"(noc0)", optional=True, shown="noc0", cells=("lstm",)),
    "cotangents": Token(f"({'|'.join(COTANGENTS)})", optional=True, shown="|".join(COTANGENTS)),
    "dtype": Token(r"(f32|f64|f16|bf16)", optional=False, shown="f32|f64|f16|bf16"),
    "regime": Token(rf"({REGIME})", optional=True, shown="|".join(["gain<g>", *REGIMES[1:]])),
    "seed": Token(r"s(0|[1-9][0-9]{0,17})", optional=False, shown="s<seed>"),
}


def parse_id(text: str) -> Case:
    """Return the case that `text` describes.

    Raises
    ------
    UsageError
        If `text` doesn't follow the grammar; the message says at which part.

    Examples
    --------
    >>> parse_id("rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0").layers
    2
    """
    case = _case(_split(text))
    if case.id != text:
        message = (
            f"Case id {text!r}: every case has one id, and this one's is {case.id!r}; leave defaults out."
        )
        raise UsageError(message)
    return case


def _split(text: str) -> dict[str, str]:
    """Return the captured text of every part that `text` has."""
    remaining = text.split("-")
    found: dict[str, str] = {}
    for name, token in GRAMMAR.items():
        if found.get("cell", token.cells[0]) not in token.cells:
            continue
        match = re.fullmatch(token.pattern, remaining[0]) if remaining else None
        if match is not None:
            found[name] = match[match.lastindex or 0]
            remaining.pop(0)
        elif not token.optional:
            raise UsageError(_complaint(text, remaining, token.shown))
    if remaining:
        raise UsageError(_complaint(text, remaining, "the end of the id"))
    return found


def _complaint(text: str, remaining: list[str], wanted: str) -> str:
    given = repr(remaining[0][:MOST_SHOWN]) if remaining else "the end"
    order = " ".join(f"[{t.shown}]" if t.optional or len(t.cells) == 1 else t.shown for t in GRAMMAR.values())
    return (
        f"Case id {text[:MOST_SHOWN]!r}: expected {wanted}, got {given}. The parts of an id, in this order and "
        f"joined by hyphens, are: {order}. Example: {EXAMPLE}"
    )


def _case(part: dict[str, str]) -> Case:
    single = part["batch"] == "single"
    if single and "layout" in part:
        message = "A case is either 'single' (unbatched) or 'bf' (batch first), not both; leave one out."
        raise UsageError(message)
    return Case(
        cell=part["cell"],  # pyright: ignore[reportArgumentType]: the grammar allows just these
        nonlinearity=part.get("nonlinearity", "tanh"),  # pyright: ignore[reportArgumentType]
        reset="before" if "reset" in part else "after",
        layers=int(part.get("layers", "1")),
        bidirectional="bidirectional" in part,
        bias="bias" not in part,
        dropout=float(part.get("dropout", "0")),
        evaluation="evaluation" in part,
        steps=int(part["steps"]),
        lengths=tuple(int(n) for n in part["lengths"].split(".")) if "lengths" in part else (),
        batch=1 if single else int(part["batch"][1:]),
        layout="unbatched" if single else "batch-first" if "layout" in part else "time-first",
        input_size=int(part["input_size"]),
        hidden_size=int(part["hidden_size"]),
        proj_size=int(part.get("proj_size", "0")),
        output_size=int(part.get("output_size", "0")),
        h_0="h_0" not in part,
        c_0="c_0" not in part,
        cotangents=COTANGENTS[part["cotangents"]] if "cotangents" in part else "both",
        dtype=part["dtype"],  # pyright: ignore[reportArgumentType]
        regime=part.get("regime", "default"),
        seed=int(part["seed"]),
    )
