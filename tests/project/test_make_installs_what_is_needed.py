"""The Makefile: each target installs what it needs and shows that it does; runs use all cores."""

import os
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
HEAVY = {"torch", "matplotlib", "distributed", "onnxruntime", "jax", "keras", "pytest"}


def printed(folder: Path, target: str, **variables: str) -> str:
    """Return what make would do for `target` where nothing is installed yet."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | variables
    command = ["make", "-n", target, f"VENV={folder / 'new'}"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout


def test_every_pin_is_of_a_package_that_something_needs() -> None:
    pins = {canonical(line.partition("==")[0]) for line in CONSTRAINTS.splitlines() if "==" in line}
    extras = [r for extra, names in PROJECT["optional-dependencies"].items() for r in names]
    asked, needed = [Requirement(text) for text in (*PROJECT["dependencies"], *extras)], set[str]()
    while asked:
        requirement = asked.pop()
        name = canonical(requirement.name)
        wanted = {name, *(f"{name}[{extra}]" for extra in requirement.extras)}
        if wanted <= needed or name not in pins:
            continue
        needed |= wanted
        asked += [
            other
            for other in map(Requirement, requires(name))
            if other.marker is None
            or any(other.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras))
        ]
    unneeded = {pin for pin in pins - needed if is_installed(pin)}  # of what isn't here nothing is known
    assert "numpy" in needed
    assert unneeded == set()


def canonical(name: str) -> str:
    """Return the one way in which a package's name is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_installed(name: str) -> bool:
    return bool(list(metadata.distributions(name=name)))


def requires(name: str) -> list[str]:
    """Return what a package says that it needs; nothing where it isn't installed."""
    return (metadata.distribution(name).requires or []) if is_installed(name) else []


def test_the_package_itself_brings_small_packages_alone() -> None:
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert "numpy" in names
    assert not names & HEAVY


@pytest.mark.parametrize(
    ("target", "extras"), [("agreement", ["torch,report"]), ("test", ["torch,report", "dev"])]
)
def test_a_target_installs_what_it_needs_and_shows_it(tmp_path: Path, target: str, extras: list[str]) -> None:
    installing = [line for line in printed(tmp_path, target).splitlines() if "pip install" in line]
    assert [re.search(r"'\.\[(.*)\]'", line)[1] for line in installing] == extras
    assert not any("--quiet" in line for line in installing)
    assert {"torch", "report"} <= set(PROJECT["optional-dependencies"])


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="this system doesn't tell which cores we have"
)
def test_a_run_uses_every_core_whatever_openmp_is_told(tmp_path: Path) -> None:
    cores = str(len(os.sched_getaffinity(0)))
    told = [printed(tmp_path, "agreement", **{name: "1"}) for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")]
    assert [re.search(r"--jobs (\d+)", text)[1] for text in told] == [cores, cores]
    assert "--jobs 7 " in printed(tmp_path, "agreement", JOBS="7")
