"""Sharing work that isn't a case among processes: a `map` whose results come in the order of its items."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from conformance.faults.power import Mapped
from conformance.runs.pools import interrupts_held_back, worker_processes

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def shared(jobs: int) -> Iterator[Mapped]:
    """Provide a `map` that hands its items to so many processes; with one job they stay in this one.

    What is left undone when the block is left is dropped.
    """
    if jobs == 1:
        yield map
        return
    pool, _ = worker_processes(jobs)

    def mapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterable[Result]:
        with interrupts_held_back():  # the parent answers Ctrl-C for all
            return pool.map(function, items)

    try:
        yield mapped
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
