"""`conformance check` and `conformance init` as commands: formats, exit codes, and the adapter that init writes."""

import json
import re

import pytest
from click.testing import CliRunner
from gallery.definitions import located

from conformance.cli import cli
from conformance.errors import UsageError

NAMES = {"right": "many_to_one.py:RNN", "wrong": "sum_learner.py:RNN", "nothing": "script.py"}


def conformance(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.mark.parametrize(("kind", "code"), [("right", 0), ("wrong", 1), ("nothing", 5)])
def test_the_exit_code_is_that_of_the_verdict(kind, code):
    done = conformance("check", located(NAMES[kind]), "--format", "json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["target"].endswith(NAMES[kind])


def test_another_network_is_refused_only_where_elmans_is_asked_for():
    target = located("sigmoid_states.py:SigmoidRNN")
    assert conformance("check", target, "--format", "json").exit_code == 0
    assert conformance("check", target, "--format", "json", "--elman").exit_code == 5
    assert conformance("check", located(NAMES["right"]), "--format", "json", "--elman").exit_code == 0


def test_the_nearest_fault_is_told_in_good_grammar():
    near = [str(conformance("explain", name).exception) for name in ("carry-mising", "nope")]
    assert "the nearest ids are carry-missing, " in near[0]
    assert "the nearest id is h-0-ignored." in near[1]


def test_two_mistakes_are_named_and_nothing_else():
    record = json.loads(conformance("check", located(NAMES["wrong"]), "--format", "json").stdout)
    found = {fault["id"] for fault in record["diagnosis"]["faults"]}
    assert found == {"output-gradient-at-every-step", "tanh-prime-of-activated"}


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    done = conformance("check", tmp_path / "none.py:RNN")
    assert isinstance(done.exception, UsageError)
    assert "There is no file" in str(done.exception)


def test_an_unknown_format_is_wrong_usage():
    assert conformance("check", located(NAMES["right"]), "--format", "yaml").exit_code == 2


def test_init_writes_an_adapter_that_is_judged_as_the_code_itself(tmp_path):
    adapter = tmp_path / "adapter.py"
    done = conformance("init", located(NAMES["wrong"]), "--output", adapter)
    assert done.exit_code == 0, done.output
    assert f"conformance check {adapter}:network" in done.stdout
    through = json.loads(conformance("check", f"{adapter}:network", "--format", "json").stdout)
    itself = json.loads(conformance("check", located(NAMES["wrong"]), "--format", "json").stdout)
    assert through["quantities"] == itself["quantities"]
    assert through["diagnosis"]["faults"] == itself["diagnosis"]["faults"]


@pytest.mark.parametrize("name", ["counting.py:SimpleRNN", "char_rnn.py:loss_fun", "lstm_wrong.py:MyLSTM"])
def test_an_adapter_is_judged_as_what_the_search_found(name, tmp_path):
    adapter = tmp_path / "adapter.py"
    assert conformance("init", located(name), "--output", adapter).exit_code == 0
    through = json.loads(conformance("check", f"{adapter}:network", "--format", "json").stdout)
    itself = json.loads(conformance("check", located(name), "--format", "json").stdout)
    assert through["quantities"] == itself["quantities"]
    assert (through["verdict"], through["headline"]) == (itself["verdict"], itself["headline"])


def test_init_replaces_no_file_unasked(tmp_path):
    adapter = tmp_path / "adapter.py"
    adapter.write_text("precious", encoding="utf-8")
    refused = conformance("init", located(NAMES["right"]), "--output", adapter)
    assert re.search(r"exists already.*--force", str(refused.exception))
    assert adapter.read_text(encoding="utf-8") == "precious"
    assert conformance("init", located(NAMES["right"]), "--output", adapter, "--force").exit_code == 0
    assert "network = handwritten(" in adapter.read_text(encoding="utf-8")
