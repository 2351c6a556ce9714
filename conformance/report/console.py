"""The console on which everything is printed."""

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Return a console that doesn't fold tables where nobody looks at a window."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=140)
