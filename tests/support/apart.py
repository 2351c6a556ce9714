"""Calls in one small process beside that of the tests: what forks there, as checks by example do, copies little."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what a function of a module gives in the small process, which lasts as long as this one."""
    return _beside().submit(function, *args, **kwargs).result()


@cache
def _beside() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
