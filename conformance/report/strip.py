"""Maps of what differs in a line each, for a terminal: every step by the worst of its units."""

import math
from collections.abc import Sequence

from conformance.record.pictures import Cell, MapRecord
from conformance.report.pictures import LEVELS, level

BLOCKS, PLAIN = "▁▃▅▆█", ".:+%#"
"""How the levels look, from rounding on; and where there are no such characters."""

UNJUDGED = "?"
MEANT = ("rounding", *(f"to 1e{round(math.log10(top))}" for top in LEVELS[1:]), "more")


def strip_lines(maps: Sequence[MapRecord], *, plain: bool) -> list[str]:
    """Return a line for each map, and one that tells what the signs mean; none without maps.

    >>> drawn = MapRecord(quantity="dL/dh", where="", columns=[[0.1, 9e9], [0.1, None], [None]], first=(0, 1))
    >>> strip_lines([drawn], plain=True)
    ['dL/dh  #.?  t = 0 … 2, first wrong at 0', '. rounding, : to 1e3, + to 1e6, % to 1e9, # more, ? not judged']
    """
    if not maps:
        return []
    signs = PLAIN if plain else BLOCKS
    wide = max(len(drawn.quantity) for drawn in maps)
    lines = []
    for drawn in maps:
        steps = "".join(_sign(column, signs) for column in drawn.columns)
        last = len(drawn.columns) * drawn.steps_a_cell - 1
        first = "" if drawn.first is None else f", first wrong at {drawn.first[0] * drawn.steps_a_cell}"
        lines.append(f"{drawn.quantity:{wide}}  {steps}  t = 0 … {last}{first}")
    meant = [f"{sign} {said}" for sign, said in zip(signs, MEANT, strict=True)]
    return [*lines, ", ".join([*meant, f"{UNJUDGED} not judged"])]


def _sign(column: Sequence[Cell], signs: str) -> str:
    judged = [float(share) for share in column if share is not None]
    return signs[int(level(max(judged))[-1])] if judged else UNJUDGED
