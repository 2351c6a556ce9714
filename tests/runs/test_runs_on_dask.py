"""A run mapped over a Dask cluster gives the record that a run in this process gives, workers that die included."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs
from runs.test_runs_survive import CASE, body, verdicts

from conformance import UsageError
from conformance.record import encode
from conformance.runs import Session, run_cases
from conformance.runs.pools import DaskPool, dask_client

distributed = pytest.importorskip("distributed", reason="the extra refrnn[dask] isn't installed")
CASES = [replace(CASE, seed=seed) for seed in range(60)]


@pytest.fixture(scope="module")
def cluster() -> Iterator["distributed.LocalCluster"]:
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


def test_a_cluster_that_loses_a_worker_while_cases_run_gives_the_same_record(cluster) -> None:
    with dask_client(cluster.scheduler_address) as client:
        pids = list(client.run(os.getpid).values())
        finished: list[object] = []

        def kill_one(examined: object) -> None:
            finished.append(examined)
            if len(finished) == 5:
                os.kill(pids[0], signal.SIGKILL)

        outcome = run_cases(
            CASES, ["torch", "reference"], make_pool=lambda _: DaskPool(client), on_progress=kill_one
        )
    assert len(finished) == len(CASES)
    assert outcome.complete
    assert set(verdicts(outcome).values()) == {"agrees"}
    alone = run_cases(CASES, ["torch", "reference"])
    assert outcome.records() == alone.records()


def test_a_session_reaches_the_cluster_by_its_address(cluster) -> None:
    session = Session(
        suite="mine",
        cases=CASES[:9],
        subjects=["reference"],
        executor="dask",
        scheduler=cluster.scheduler_address,
    )
    here = Session(suite="mine", cases=CASES[:9], subjects=["reference"])
    assert body(encode(session.run())) == body(encode(here.run()))


def test_an_address_where_nobody_answers_is_told() -> None:
    session = Session(suite="mine", cases=CASES[:1], subjects=["reference"], executor="dask")
    with pytest.raises(UsageError, match="--scheduler"):
        session.run()
    with pytest.raises(UsageError, match="No Dask scheduler answers at 'nonsense://x'"):
        structs.replace(session, scheduler="nonsense://x").run()
