"""One process: where the engine's time goes, over every n-th case of the standard suite with the subject torch.

python benchmarks/speed/engine.py --cases 100
"""

import json
import statistics
from collections.abc import Sequence

import click

from conformance import SUITES, Case, load_subject
from conformance.examination.engine import timed_examination
from conformance.record.environment import one_thread

PARTS = ("subject", "reference", "judging", "overhead")
ROUNDS = 3


def split(case: Case, other: Case) -> dict[str, float]:
    """Return the median seconds of every part; `other` is examined between, so that nothing is remembered."""
    subject, rounds = load_subject("torch"), []
    for _ in range(ROUNDS):
        timed_examination(other, subject)
        timing = timed_examination(case, subject)[1]
        known = {part: getattr(timing, part) for part in PARTS[:3]}
        rounds.append(known | {"overhead": timing.total - sum(known.values())})
    return {part: statistics.median(one[part] for one in rounds) for part in PARTS}


def sample(count: int) -> Sequence[Case]:
    """Return that many cases spread evenly over the standard suite."""
    cases = SUITES["standard"].cases()
    return cases[:: max(1, len(cases) // count)][:count]


@click.command()
@click.option("--cases", "count", default=100, show_default=True)
def main(*, count: int) -> None:
    """Split the time of every case."""
    one_thread()
    cases, other = sample(count), SUITES["smoke"].cases()[0]
    rows = [{"case": case.id, **split(case, other)} for case in cases]
    print(json.dumps({"cases": rows}))


if __name__ == "__main__":
    main()
