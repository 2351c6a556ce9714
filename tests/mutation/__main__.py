"""`python -m mutation WHERE`: run the mutants of a package or a file; hold survivors against the explained ones."""

import hashlib
import sys
from collections import Counter
from pathlib import Path

import click
import pytest

from mutation.mutants import Mutant, mutants
from mutation.report import record, summed, tallies
from mutation.running import Fate, MutationRun
from mutation.survivors import Plan

PLANS = Path(__file__).parent / "survivors"

PYTEST = [
    "--capture=sys",
    *(f"-pno:{plugin}" for plugin in ("terminal", "xdist", "cacheprovider", "faulthandler")),
]
"""Children write nothing, and leave nothing behind."""


@click.command()
@click.argument("where", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--jobs", default=2, show_default=True, help="Mutants at a time.")
@click.option(
    "--only", default="", help="Mutants whose file and function contain this, such as `_scan.py blocks`."
)
@click.option("--sample", default=0, help="Only so many mutants, the same ones every time.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder in which the counts are recorded.")
def main(where: tuple[Path, ...], jobs: int, only: str, sample: int, report: Path | None) -> None:
    """Run the mutants of WHERE, a folder such as conformance/judge or files in it."""
    package, *others = {path if path.is_dir() else path.parent for path in where}
    if others:
        message = f"All of WHERE must be in one folder; got {package} and {others[0]}. Run them one by one."
        raise click.UsageError(message)
    plan = Plan.read(PLANS / f"{package.as_posix().replace('/', '-')}.toml")
    files = sorted(f for path in where for f in (path.glob("*.py") if path.is_dir() else [path]))
    chosen = [m for path in files for m in mutants(path) if only in f"{m.path} {m.function}"]
    chosen = _sampled(chosen, sample) if sample else chosen
    click.echo(f"{len(chosen):,} mutants of {', '.join(map(str, where))}")
    run = MutationRun(mutants=chosen, plan=plan, jobs=jobs, progress=_progress)
    status = pytest.main([*PYTEST, *plan.tests], plugins=[run])
    if status:
        sys.exit(status)
    fates = list(zip(chosen, run.fates, strict=True))
    survived = {str(mutant) for mutant, fate in fates if fate in ("survived", "not reached")}
    complete = not only and not sample
    unexplained, outdated = plan.unexplained(survived), plan.outdated(survived, where) if complete else []
    found = tallies(fates, plan.explained)
    click.echo("\n".join(tally.row for tally in [*found, summed("together", found)]))
    click.echo(f"{sum(run.seconds):.0f} s of CPU")
    _tell(
        "These survived. Write a test that fails on them, or explain why nothing can tell them", unexplained
    )
    _tell("These are explained but don't survive. Take them out", outdated)
    if report is not None and complete:
        record(report, found)
    sys.exit(bool(unexplained or outdated))


def _progress(mutant: Mutant, fate: Fate) -> None:
    if fate not in ("killed", "timeout"):
        click.echo(f"{fate}: {mutant}")


def _sampled(found: list[Mutant], count: int) -> list[Mutant]:
    """Return `count` mutants drawn by a hash of their function and their number in it, in order."""
    seen, draws = Counter[str](), list[str]()
    for mutant in found:
        function = f"{mutant.path} {mutant.function}"
        seen[function] += 1
        draws.append(hashlib.sha256(f"{function} {seen[function]}".encode()).hexdigest())
    chosen = sorted(range(len(found)), key=draws.__getitem__)[:count]
    return [found[n] for n in sorted(chosen)]


def _tell(heading: str, told: list[str]) -> None:
    if told:
        click.echo("\n\n".join([f"\n{heading}:", *(f"'''\n{mutant}\n'''," for mutant in told)]))


if __name__ == "__main__":
    main()
