"""Which releases of torch are run, and what each is installed beside."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
BETWEEN = ("2.8.0", "2.10.0")
"""Releases between the declared bound and the pinned one."""

NEWEST = "newest"
"""Stands for the release that pip takes where none is named."""

BROUGHT = ("fsspec", "mpmath", "networkx", "setuptools", "sympy", "torch")
"""torch, and what it alone brings: torch 2.6.0 asks for another sympy than the pinned one."""


def declared(pyproject: str) -> str:
    r"""Return the oldest release that `pyproject.toml` says we work with.

    >>> declared('[project.optional-dependencies]\ntorch = ["torch>=2.6"]')
    '2.6.0'
    """
    (requirement,) = tomllib.loads(pyproject)["project"]["optional-dependencies"]["torch"]
    return release(requirement.removeprefix("torch>="))


def pinned(constraints: str) -> str:
    r"""Return the release to which `constraints.txt` pins torch.

    >>> pinned("sympy==1.14.0\ntorch==2.13.0\n")
    '2.13.0'
    """
    (version,) = re.findall(r"^torch==(\S+)$", constraints, re.MULTILINE)
    return release(version)


def release(text: str) -> str:
    """Return a release in full, or `NEWEST`.

    >>> release("2.6"), release("2.13.0+cpu"), release("newest")
    ('2.6.0', '2.13.0', 'newest')
    """
    if text == NEWEST:
        return text
    found = re.fullmatch(r"(\d+\.\d+)(\.\d+)?(\+\S+)?", text)
    if not found:
        message = f"{text!r} is no release of torch. Write 2.6.0, or {NEWEST!r} for the one that pip takes."
        raise SystemExit(message)
    return found[1] + (found[2] or ".0")


def chosen(asked: Sequence[str], bound: str, pin: str) -> list[str]:
    """Return the releases to run, the oldest first: those asked for, or the usual ones, and always the pinned one.

    >>> chosen([], "2.6.0", "2.13.0")
    ['2.6.0', '2.8.0', '2.10.0', '2.13.0', 'newest']
    >>> chosen(["2.13", "2.7.1"], "2.6.0", "2.13.0")
    ['2.7.1', '2.13.0']
    """
    wanted = {pin, *map(release, asked or (bound, *BETWEEN, NEWEST))}
    return sorted(wanted, key=order)


def order(version: str) -> tuple[float, ...]:
    """Return what releases are sorted by; the newest comes last."""
    return (float("inf"),) if version == NEWEST else tuple(map(float, version.split(".")))


def requirement(version: str) -> str:
    """Return what pip is asked for.

    >>> requirement("2.6.0"), requirement("newest")
    ('torch==2.6.0', 'torch')
    """
    return "torch" if version == NEWEST else f"torch=={version}"


def others(constraints: str) -> str:
    r"""Return the pins of all packages but torch and what it alone brings.

    >>> others("numpy==2.4.6\nsympy==1.14.0\ntorch==2.13.0\n")
    'numpy==2.4.6\n'
    """
    lines = constraints.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition("==")[0].lower() not in BROUGHT)
