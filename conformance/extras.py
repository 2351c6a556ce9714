"""What isn't installed with the project itself: which extra brings it, and the sentence that asks for it."""

from collections.abc import Sequence
from importlib.util import find_spec

from conformance.errors import UsageError

EXTRAS = {
    "torch": "torch",
    "matplotlib": "report",
    "distributed": "dask",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "jax": "jax",
    "flax": "jax",
    "keras": "keras",
}
"""Packages that only some commands need, and the extra that installs each."""

CPU_BUILD = (
    "; on Linux that brings several gigabytes for NVIDIA's GPUs, unless a CPU build is there before: "
    "pip install torch --index-url https://download.pytorch.org/whl/cpu"
)


def lacking(packages: Sequence[str]) -> list[str]:
    """Return those of `packages` that aren't installed."""
    return [package for package in packages if find_spec(package) is None]


def request(who: str, missing: Sequence[str]) -> str:
    """Return the sentence that asks for what `who` needs.

    >>> print(request("The report", ["matplotlib"]))
    The report needs matplotlib, not installed here. Install it with: pip install 'refrnn[report]'
    """
    extras = ",".join(dict.fromkeys(EXTRAS[package] for package in missing))
    cpu = CPU_BUILD if "torch" in missing else ""
    return f"{who} needs {', '.join(missing)}, not installed here. Install it with: pip install 'refrnn[{extras}]'{cpu}"


def demand(who: str, *packages: str) -> None:
    """Refuse what `who` asks for where a package that it needs isn't installed.

    Raises
    ------
    UsageError
        If any of `packages`, keys of `EXTRAS`, is missing.
    """
    if missing := lacking(packages):
        raise UsageError(request(who, missing))
