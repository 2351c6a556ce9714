"""Environments in which packages are missing: what a program does that was installed without its extras."""

import os
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def without(packages: Sequence[str], folder: Path) -> dict[str, str]:
    """Return variables with which Python, in every process that inherits them, has none of `packages`.

    A module of the name `sitecustomize` is put into `folder`, which Python imports whenever it starts.
    """
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({list(packages)!r}))\n", encoding="utf-8"
    )
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
