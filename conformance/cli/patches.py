"""The patch of a check on the command line: printed, or made in its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.record.check import CheckRecord


def patch_of(record: CheckRecord) -> str:
    """Return the patch of a record, and say so where there is none."""
    from conformance.hand_written.mending.patch import unified

    if not record.fixes:
        click.echo(_why_none(record), err=True)
    return unified(record)


def made(record: CheckRecord, *, ask: bool) -> bool:
    """Make the patch of a record, with `ask` only where that is wanted; return whether it was made.

    A file that isn't kept by git is kept beside, as `.orig`.
    """
    from conformance.hand_written.mending.patch import patched
    from conformance.record.writing import write_set

    files = patched(record)
    if not files:
        click.echo(_why_none(record), err=True)
        return False
    if ask and not _confirmed(files):
        return False
    for path, content in files.items():
        if not kept_by_git(path):
            path.with_name(f"{path.name}.orig").write_bytes(path.read_bytes())
            click.echo(f"{path} is kept as {path.name}.orig.", err=True)
        write_set(path.parent, {path.name: content})
        click.echo(f"{path} is patched.", err=True)
    return True


def _why_none(record: CheckRecord) -> str:
    """Return why a record has no patch."""
    if record.conforms:
        return "Nothing was found wrong, so there is nothing to mend."
    return record.located or "No patch was found that makes every gradient right."


def _confirmed(files: Iterable[Path]) -> bool:
    """Ask whether to make a patch.

    Raises
    ------
    click.UsageError
        If nobody answers.
    """
    try:
        return click.confirm(f"Make this patch in {', '.join(map(str, files))}?")
    except click.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise
        message = (
            "--fix asks before it writes, and nobody answered. --fix --write makes the patch without asking."
        )
        raise click.UsageError(message) from error


def kept_by_git(path: Path) -> bool:
    """Return whether git keeps a file as it is now, so that it can be had again."""
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None:
        return False
    asked = ("-C", str(path.parent.absolute()), "status", "--porcelain", "--ignored", "--", path.name)
    found = subprocess.run([git, *asked], capture_output=True, check=False)  # noqa: S603 - git, found on the path
    return found.returncode == 0 and not found.stdout.strip()
