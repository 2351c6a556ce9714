"""Pools: the workers that a run maps its cases over, all of them `concurrent.futures` executors.

A pool holds only as many units as keep it busy: one for each worker, and some that wait, so that no worker does. So
few cases are in doubt when a worker dies or hangs; `runner.py` examines each of those alone.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.synchronize import Semaphore
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeAlias

from conformance.errors import UsageError
from conformance.extras import demand
from conformance.record.environment import one_thread
from conformance.runs.unit import Examined, examine_unit

if TYPE_CHECKING:
    from distributed import Client


START = 600.0
"""Seconds that a worker has to load its libraries, torch among them: seconds usually, minutes on a busy machine."""

Unit: TypeAlias = Callable[[str, Sequence[str]], Examined]
"""What a worker does: it turns a case id and names of subjects into what came out."""


class WorkerLostError(Exception):
    """The worker that had this unit is gone."""


class WorkerPool(Protocol):
    """Workers for units."""

    width: int  # units that keep all workers busy

    @property
    def workers(self) -> int:
        """How many workers are ready; as many units, of those handed over first, are worked on now."""
        ...

    def submit(self, case_id: str, subjects: Sequence[str]) -> Future[Examined]:
        """Hand over one unit."""
        ...

    def result(self, unit: Future[Examined]) -> Examined:
        """Return what a finished unit gave, or raise `WorkerLostError`."""
        ...

    def dismiss(self, *, kill: bool) -> None:
        """End all workers: when they are done, or at once, whatever they are at."""
        ...


class ProcessPool:
    """Processes of this machine, each in one thread; they end with their parent, whatever ends it."""

    def __init__(self, workers: int, unit: Unit = examine_unit) -> None:
        self.width, self._unit = workers + 1, unit
        self._pool, self._started = worker_processes(workers)
        self._ready, self._size = 0, workers
        self._patience = monotonic() + START

    @property
    def workers(self) -> int:
        """Workers that have loaded their libraries, which may take longer than a case; all of them after `START`."""
        while self._started.acquire(block=False):
            self._ready += 1
        return self._ready if monotonic() < self._patience else self._size

    def submit(self, case_id: str, subjects: Sequence[str]) -> Future[Examined]:
        """Hand over one unit; a pool that is broken already answers with a lost one."""
        with interrupts_held_back():  # the parent answers Ctrl-C for all
            try:
                return self._pool.submit(self._unit, case_id, subjects)
            except BrokenProcessPool as broken:
                unit: Future[Examined] = Future()
                unit.set_exception(broken)
                return unit

    def result(self, unit: Future[Examined]) -> Examined:
        """Return what a finished unit gave, or raise `WorkerLostError`."""
        try:
            return unit.result()
        except (BrokenProcessPool, CancelledError) as error:
            raise WorkerLostError from error

    def dismiss(self, *, kill: bool) -> None:
        """End all workers."""
        if kill:
            for worker in multiprocessing.active_children():
                worker.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


class DaskPool:
    """The workers of a Dask cluster, through `Client.get_executor`. Dask itself restarts those that die."""

    def __init__(self, client: "Client") -> None:
        self._workers = max(1, sum(client.nthreads().values()))
        self.width = 2 * self._workers
        self._pool: Executor = client.get_executor(pure=False)

    @property
    def workers(self) -> int:
        """Those of the cluster, which has started them."""
        return self._workers

    def submit(self, case_id: str, subjects: Sequence[str]) -> Future[Examined]:
        """Hand over one unit."""
        return self._pool.submit(examine_unit, case_id, list(subjects))

    def result(self, unit: Future[Examined]) -> Examined:
        """Return what a finished unit gave, or raise `WorkerLostError`."""
        from distributed import KilledWorker

        try:
            return unit.result()
        except (KilledWorker, CancelledError) as error:
            raise WorkerLostError from error

    def dismiss(self, *, kill: bool) -> None:
        """Leave the cluster, which belongs to others; what is still under way is cancelled."""
        self._pool.shutdown(wait=not kill)  # without waiting, Dask cancels


def dask_client(scheduler: str) -> "Client":
    """Connect to the Dask scheduler at `scheduler`, such as tcp://127.0.0.1:8786.

    Raises
    ------
    UsageError
        If Dask isn't installed, or nothing answers there.
    """
    demand("The executor 'dask'", "distributed")
    from distributed import Client

    try:
        return Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        message = f"No Dask scheduler answers at {scheduler!r}: {error}. Start one (dask scheduler), pass its address."
        raise UsageError(message) from error


def worker_processes(workers: int) -> tuple[Executor, Semaphore]:
    """Return so many processes, each in one thread, and what they release when they have loaded their libraries."""
    one_thread()  # the variables are inherited by the workers, whose libraries read them when they load
    context = multiprocessing.get_context("spawn")
    started = context.Semaphore(0)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(started,))
    return pool, started


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Deliver Ctrl-C to this process only afterwards, and never to processes started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(started: Semaphore) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    one_thread()
    started.release()


def _end_with_parent() -> None:
    """End this worker when its parent has died without telling it (kill -9): nobody waits for its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
