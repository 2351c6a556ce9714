"""The console on which everything is printed."""

from typing import Any

from rich.console import Console
from rich.text import Text

from conformance.report.words import legal


class HarmlessConsole(Console):
    """A console on which no text moves the cursor, sets the title or hides a line: such characters are written out.

    What is printed goes to its file in notebooks too, where rich would show it below the cell instead.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as rich has them
        super().__init__(force_jupyter=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - as rich has them
        """Return the text to be printed."""
        return super().render_str(legal(text), **options)


def console(*, stderr: bool = False) -> Console:
    """Return a console that doesn't fold tables where nobody looks at a window."""
    made = HarmlessConsole(stderr=stderr, highlight=False)
    return made if made.is_terminal else HarmlessConsole(stderr=stderr, highlight=False, width=140)
