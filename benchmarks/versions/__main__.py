"""Run the smoke suite on several releases of torch, and tell what is different between them; write reports/versions.*.

    make versions                              from the declared bound to the newest that pip takes
    make versions VERSIONS="2.6.0 2.13.0"      those, and always the pinned one
    .venv/bin/python benchmarks/versions --records DIR    keep their records there, and use those that are there

Each release is installed by pip in an environment of its own, which is removed before the next one is made: builds for
CUDA, which are what the package index has for Linux, take several GB each. An index of CPU builds is named as for any
other use of pip, in PIP_EXTRA_INDEX_URL. Exits with 0 if every release conforms, keeps every contract and is nowhere
worse than the pinned one, with 1 if any doesn't, and with 3 if nothing of this is wrong, but a release gave no record.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where sections.py is

from compared import code, consecutive, with_pinned
from releases import ROOT, chosen, declared, pinned
from sections import written
from told import flags, sections
from trial import tried


def main() -> None:
    """Run every release that was chosen, and write the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("releases", nargs="*", help="such as 2.6.0, or newest")
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="folder of the pages")
    parser.add_argument("--records", type=Path, help="folder in which records are kept")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument(
        "--environment", type=Path, default=ROOT / ".venv-versions", help="where environments are made"
    )
    given = parser.parse_args()
    pin = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    bound = declared((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    trials = []
    with tempfile.TemporaryDirectory() as scratch:
        for release in chosen(given.releases, bound, pin):
            trials.append(
                tried(release, given.environment.absolute(), given.records or Path(scratch), given.jobs)
            )
            print(f"torch {release}: {trials[-1].reason or f'{trials[-1].label} has a record'}", flush=True)
    held, steps = with_pinned(trials, pin), consecutive(trials)
    command = f'make versions VERSIONS="{" ".join(given.releases)}"' if given.releases else "make versions"
    told = list(
        sections(trials, command=command, bound=bound, pin=pin, held=held, steps=steps, flags=flags())
    )
    for path in written(given.out, "versions", told):
        print(f"wrote {path}")
    sys.exit(code(trials, held))


if __name__ == "__main__":
    main()
