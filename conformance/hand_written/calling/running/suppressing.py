"""Searches that go on where looking at what foreign code left behind raises; that it did is told."""

from collections.abc import Iterator
from typing import TypeVar

from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import SearchIsOver, describe_error

T = TypeVar("T")


def suppressing_errors(loaded: Loaded, what: str, items: Iterator[T]) -> Iterator[T]:
    """Yield items until there are no more, or finding the next one raises: then that is noted, and `what` given up.

    Foreign code runs under `run`, which keeps its errors; this is about objects that can't be looked at as was thought.
    """
    try:
        yield from items
    except SearchIsOver:
        raise
    except Exception as error:
        loaded.suppressed_errors.append(
            f"conformance gave {what} up, by a mistake of its own: {describe_error(error)}"
        )
