"""How a hand-written network wants to be called, line by line, and the adapter that says so without any search."""

import re

import msgspec

NUMERICAL = "differentiates numerically"
HUNG = "backward hung"
"""How far attempts got at what isn't a backward pass but takes differences of the forward pass, and at what hangs."""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out, or declared, about calling one network.

    Attributes
    ----------
    target
        What was asked for.
    lines
        A line for each thing found out: how it is built, what its arrays mean, what goes in and what comes out.
    source
        The text of an adapter: a `handwritten` statement that calls it as was found out, "" where there is none.
    """

    target: str
    lines: tuple[str, ...]
    source: str = ""

    def adapter(self) -> str:
        """Return the Python source of an adapter that needs no inference."""
        return self.source


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """How far one way of calling a network got, and what ended it."""

    what: str
    reached: str
    problem: str


def without_p(text: str) -> str:
    """Return an expression as people read it, the arrays of the problem by their bare names.

    >>> without_p("np.hstack([p.W_hh, p.W_ih.T])")
    'np.hstack([W_hh, W_ih.T])'
    """
    return re.sub(r"\bp\.", "", text)
