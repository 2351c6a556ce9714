"""Every record says where and with what it was made, in plain strings and numbers."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import msgspec
import numpy as np
import pytest
import torch

from conformance.record import Environment
from conformance.record.environment import THREAD_VARIABLES, environment, one_thread, other_threads


@pytest.fixture(scope="module")
def crowded() -> dict[str, object]:
    """Return what `conformance env` prints where the variables ask for more threads."""
    asked = dict.fromkeys(THREAD_VARIABLES, "2") | {"ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "env"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_everything_is_a_plain_string_number_or_truth_value() -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(inner) for key, inner in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return type(value) in (str, int, float, bool)

    read = msgspec.to_builtins(environment())
    assert plain(read)
    assert plain({name: getattr(environment(), name) for name in ("torch", "numpy", "refrnn", "cores")})
    assert not plain({"torch": torch.__version__})  # a str of torch's own: the trap this test is about


def test_the_versions_are_those_in_use() -> None:
    found = environment()
    assert found.torch == torch.__version__
    assert found.numpy == np.__version__
    assert found.refrnn == version("refrnn")
    assert found.python.endswith(sys.version.split()[0])
    assert found.cores == os.cpu_count()
    assert found.processor
    assert found.platform


def test_it_comes_back_from_json_as_it_was() -> None:
    found = environment()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Environment) == found


def test_one_thread_holds_whatever_the_variables_asked_for(crowded: dict) -> None:
    assert crowded["torch_threads"] == 1
    assert crowded["libraries"]
    assert {library["threads"] for library in crowded["libraries"]} == {1}
    assert {name: crowded["variables"][name] for name in THREAD_VARIABLES} == dict.fromkeys(
        THREAD_VARIABLES, "1"
    )


def test_variables_that_change_rounding_are_recorded(crowded: dict) -> None:
    assert crowded["variables"]["ATEN_CPU_CAPABILITY"] == "default"
    assert "default" in crowded["torch_capability"].lower()


def test_one_thread_holds_in_a_process_that_has_loaded_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "3")
    one_thread()
    found = environment()
    assert found.torch_threads == torch.get_num_threads() == 1
    assert {library.threads for library in found.libraries} == {1}
    assert all(found.variables[name] == "1" for name in THREAD_VARIABLES)


def test_every_library_computes_in_one_thread_again_after_others_were_tried() -> None:
    """MKL's number is torch's to set: left at two, every step of an LSTM takes ten times as long on busy cores."""
    one_thread()
    before = torch.__config__.parallel_info()
    with other_threads():
        assert torch.__config__.parallel_info() != before
    assert torch.__config__.parallel_info() == before


def test_subnormals_that_are_flushed_are_noticed() -> None:
    assert environment().flushes_subnormals == {"numpy": False, "torch": False}
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor can't flush subnormals")
    try:
        assert environment().flushes_subnormals["torch"]
    finally:
        torch.set_flush_denormal(False)
    assert environment().flushes_subnormals == {"numpy": False, "torch": False}
