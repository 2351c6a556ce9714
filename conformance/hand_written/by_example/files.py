"""The files of a project as far as they matter here: near a folder, no hidden ones, none of an environment."""

import os
from collections.abc import Iterator
from pathlib import Path

DEEPEST, MOST = 4, 2_000
"""Folders below the first that are looked into, and files in all: somebody's home may be what a project lies in."""

NOT_OURS = frozenset(["node_modules", "__pycache__", "venv", "env", "site-packages", "build", "dist"])
"""Folders whose files are made, or other people's."""


def files_near(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below it, the nearest first, each folder's in their order."""
    level, count = [folder], 0
    for _ in range(DEEPEST + 1):
        following: list[Path] = []
        for each in level:
            for entry in _entries(each):
                if entry.name.startswith(".") or entry.name in NOT_OURS:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    following.append(Path(entry.path))
                elif os.access(entry.path, os.R_OK) and entry.is_file():
                    count += 1
                    if count > MOST:
                        return
                    yield Path(entry.path)
        level = following


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder by name, nothing where that can't be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
