"""Prove the reference on random small problems in ball arithmetic; write reports/ball_arithmetic.json and .md.

    make proof    or .venv/bin/python benchmarks/ball_arithmetic.py [--cases N]

Every problem (tests/oracles/drawing.py: layers, directions, tanh and relu, biases, h_0, lengths, layouts, dropout
masks, truncation, a head, which results the loss sees, float32 and float64) is computed once more in balls
(tests/oracles/balls.py, python-flint), whose radii prove at least 20 digits, the gradients by the chain rule over
scalars, without a formula of BPTT. What is recorded is the reference's distance from the ball in units of the rounding
bound of that element, derived by running error analysis (tests/oracles/rounding.py); up to 1 is rounding.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from oracles import balls, problems  # noqa: E402 - the line above says where they are
from oracles.balls import PROOF, share  # noqa: E402
from oracles.drawing import drawn  # noqa: E402
from oracles.problems import Problem  # noqa: E402
from oracles.rounding import bounds  # noqa: E402

CASES = 2000


@dataclass(slots=True, kw_only=True)
class Row:
    """What all problems of one precision say of one quantity."""

    quantity: str
    dtype: str
    cases: int = 0
    elements: int = 0
    worst_share: float = 0.0
    worst_case: int = -1


def options(problem: Problem) -> Iterable[str]:
    """Yield the options that a problem has."""
    yield f"{problem.layers} layer(s)"
    yield f"{problem.directions} direction(s)"
    yield problem.nonlinearity
    yield problem.layout
    yield np.dtype(problem.dtype).name
    yield "biases" if problem.bias else "no biases"
    yield "h_0" if problem.h_0 is not None else "no h_0"
    yield from (name for name in ("lengths", "truncation", "masks") if getattr(problem, name) is not None)
    seen = [name for name in ("d_output", "d_h_n", "d_y") if getattr(problem, name) is not None]
    yield f"loss of {' and '.join(seen)}"


def main() -> int:
    """Prove, write, and return 1 if any quantity lies beyond its bound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=CASES)
    cases = parser.parse_args().cases
    rows: dict[tuple[str, str], Row] = {}
    met: dict[str, int] = {}
    widest, begun = 0.0, process_time()
    for number in range(cases):
        problem = drawn(number)
        found, proved, limits = problems.observe(problem), balls.prove(problem), bounds(problem)
        if set(found) != set(proved):
            message = f"problem {number} shows {sorted(set(found) ^ set(proved))} on one side only"
            raise SystemExit(message)
        widest = max(widest, balls.largest_radius(proved))
        for option in options(problem):
            met[option] = met.get(option, 0) + 1
        for name, array in found.items():
            key = name.partition("_l")[0], np.dtype(problem.dtype).name
            row = rows.setdefault(key, Row(quantity=key[0], dtype=key[1]))
            used = share(array, proved[name], limits[name].error)
            row.cases, row.elements = row.cases + 1, row.elements + array.size
            if not used <= row.worst_share:  # NaN too
                row.worst_share, row.worst_case = used, number
    ordered = [rows[key] for key in sorted(rows)]
    beyond = [row for row in ordered if not row.worst_share <= 1]
    proven = {
        "cases": cases,
        "beyond": len(beyond),
        "widest_radius": widest,
        "cpu_seconds": round(process_time() - begun, 1),
        "options": dict(sorted(met.items())),
        "quantities": [asdict(row) for row in ordered],
    }
    (ROOT / "reports" / "ball_arithmetic.json").write_text(json.dumps(proven, indent=1) + "\n")
    (ROOT / "reports" / "ball_arithmetic.md").write_text(told(proven, ordered))
    print(told(proven, ordered))
    return 1 if beyond or not widest < PROOF else 0


def told(proven: dict[str, object], rows: list[Row]) -> str:
    """Return the page."""
    table = "\n".join(
        f"| {r.quantity} | {r.dtype} | {r.cases:,} | {r.elements:,} | {r.worst_share:.3f} | {r.worst_case} |"
        for r in rows
    )
    met = ", ".join(f"{name} {count:,}" for name, count in proven["options"].items())
    return f"""# The reference, proved by ball arithmetic

{proven["cases"]:,} random small problems, computed once more in balls of 256 bits, the widest with a radius of
{proven["widest_radius"]:.1e}. A share is the distance of an element from its ball in units of its own rounding bound;
up to 1 is rounding. Quantities beyond their bound: {proven["beyond"]}. Made by `make proof`
(`benchmarks/ball_arithmetic.py`, which says what the bound is) in {proven["cpu_seconds"]} s of CPU time.

| quantity | precision | arrays | elements | largest share | in problem |
| --- | --- | ---: | ---: | ---: | ---: |
{table}

Options met: {met}.
"""


if __name__ == "__main__":
    sys.exit(main())
