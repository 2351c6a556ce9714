"""Shards: every case is in just one, which depends on its id alone."""

import pytest

from conformance import SUITES, UsageError
from conformance.cases import Shard


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_part_a_suite(count: int) -> None:
    cases = SUITES["smoke"].cases()
    shards = [[case for case in cases if Shard(index, count).has(case)] for index in range(1, count + 1)]
    assert sorted(case.id for shard in shards for case in shard) == sorted(case.id for case in cases)
    assert min(map(len, shards)) > len(cases) / count / 3


def test_a_case_stays_in_its_shard_when_the_suite_grows() -> None:
    smoke, standard = SUITES["smoke"].cases(), SUITES["standard"].cases()
    shard = Shard(2, 5)
    assert {c.id for c in smoke if shard.has(c)} == {c.id for c in standard if shard.has(c)} & {
        c.id for c in smoke
    }


@pytest.mark.parametrize(
    "text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", "1 /2", "", "9999999/9999999"]
)
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 2/5"):
        Shard.parse(text)
