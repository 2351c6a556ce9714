"""Where a source says that its gradients are meant to be others than the exact ones: cut off, let through, or frozen.

Truncated BPTT, detached states, e-prop, feedback alignment, straight-through slopes and frozen weights give gradients
that no loss has, and right ones all the same. What tells them from mistakes is that their author says so.
"""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from conformance.hand_written.calling.hints.sources import nodes_in, source_of

CUTS = (
    r"(trunc(?!\w*[ _]?norm)|tronqu|abgeschnitt|gekürzt|gekappt|усеч|обрез|урез|ucięt|obcięt|kesil|kırp)\w*"
)
"""How people say that something is cut off; that of a normal distribution is meant otherwise."""

BACK = r"(bptt|back\w*|grad\w*|errors?|retro\w*|rück\w*|обрат\w*|град\w*|propagac\w*|wstecz\w*|geri\w*)"
"""What is cut off then."""

ROUGHLY = r"(approx|näherung|aproxim|approch|приближ|yaklaş|przybliż)\w*"
"""How people say that something isn't exact."""

CUT_OFF = re.compile(
    rf"""
    tbptt | trunc\w*[ _-]*bptt | bptt\w*[ _-]*trunc\w* | \w*back_?steps\w*
    | \w*bptt_?(steps|len|limit|window|horizon)\w* | trunc_?(len|steps|k)\b
    | \b{CUTS}\W+(\w+\W+){{0,3}}{BACK}\b | \b{BACK}\W+(\w+\W+){{0,5}}{CUTS}
    | 截断 | 打ち切
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What speaks of errors that go back a number of steps alone."""

MEANT_OTHERWISE = re.compile(
    rf"""
    \b(h[ _-]*)?detach\w* | stop[ _-]*grad\w* | straight[ _-]*through | \bSTE\b | \be-?prop\b | eligibilit\w*
    | feedback[ _-]*alignment | random[ _-]feedback | surrogate | synthetic[ _-]grad\w*
    | \bfrozen\b(?!\s*=) | \bfreez\w+ | untrained | (\b(not|never)|n't)\s(be\s|being\s)?(trained|learn(ed|t)|updated)
    | echo[ _-]state | reservoir | \bESN\b | stays?\s(fixed|constant|as\sit)
    | (fixed|random)[ _-](recurrent|reservoir|hidden|feedback|input)
    | eingefroren | festgehalten | \bgelée?s?\b | congelad\w* | заморо\w* | 冻结 | 凍結 | dondurul\w* | zamroż\w*
    | (one|single|1)[ _-]step[ _-](grad\w*|bptt) | biased[ _-](grad\w*|estimat\w*)
    | {ROUGHLY}\W+(\w+\W+){{0,3}}(grad\w*|deriv\w*|bptt|backprop\w*)
    | (grad\w*|deriv\w*|bptt|backprop\w*|rule)\W+(\w+\W+){{0,4}}{ROUGHLY}
    | 近似
    | (ignor|neglect|omit|block|cut|discard)\w*\W+(\w+\W+){{0,4}}(recurren\w*|past|earlier|previous|temporal|path)
    | treat\w*\W+(\w+\W+){{0,6}}constants?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What else speaks of gradients that aren't meant to be exact."""

NOT = (
    r"(\b(no|not|without|never|non|nothing|none|un|full|instead of|rather than|kein\w*|nicht|ohne|sans|sin|sem|nie|bez"
    r"|без|не|нет)\b|n't|不|无|未)"
)
DENIED = re.compile(rf"{NOT}\W*(\w+\W+){{0,2}}$", re.IGNORECASE)
"""What stands before words that are denied: "no truncation of gradients"."""

DENYING = re.compile(NOT, re.IGNORECASE)
"""What stands among them: "gradients without truncation"."""

NUMERICAL = re.compile(r"numer|finite|differen[cz]|check|epsilon|\beps\b", re.IGNORECASE)
"""What a line is about where the gradient of differences is called an approximation."""


class Said(Struct, frozen=True, kw_only=True):
    """Words of a source by which its gradients are meant to be others than the exact ones, and their line."""

    words: str
    line: str


def says_otherwise(text: str, *, cut_off: bool = True) -> Said | None:
    """Return the first words of a source text that call its gradients an approximation; None where there are none.

    Without `cut_off` those of a truncation don't count, as where that was lifted.

    >>> says_otherwise("# Truncated BPTT: three steps").words
    'Truncated BPTT'
    >>> says_otherwise("# full BPTT, nothing is detached") is says_otherwise("r = truncated_normal(3)") is None
    True
    """
    patterns = (CUT_OFF, MEANT_OTHERWISE) if cut_off else (MEANT_OTHERWISE,)
    for found in (match for pattern in patterns for match in pattern.finditer(text)):
        start = text.rfind("\n", 0, found.start()) + 1
        line = text[start:].partition("\n")[0].strip(" \t\r\"'#")
        denied = DENIED.search(text[: found.start()]) or (
            found.re is CUT_OFF and DENYING.search(found.group())
        )
        if not denied and not NUMERICAL.search(line):
            return Said(words=" ".join(found.group().split()), line=line)
    return None


def approximation(code: object, names: Sequence[str], *, cut_off: bool = True) -> Said | None:
    """Return by which words classes and functions of a module, or its head, call their gradients an approximation."""
    texts = (text for name in names for text in _texts(getattr(code, name.partition(".")[0], None)))
    return next(
        (said for text in (*texts, _head(code)) if (said := says_otherwise(text, cut_off=cut_off))), None
    )


def _texts(value: Any) -> Iterator[str]:
    """Yield what stands in a class or function, and the comment above it."""
    yield source_of(value)
    try:
        yield inspect.getcomments(value) or ""
    except TypeError:
        return


def _head(code: Any) -> str:
    """Return the text that a module begins with."""
    try:
        first = next(iter(nodes_in(inspect.getsource(code))), None)
    except (OSError, TypeError):
        return ""
    return (ast.get_docstring(first) or "") if isinstance(first, ast.Module) else ""
