"""A patch on the command line: printed alone, made where that is wanted, and what was there is kept."""

import subprocess

import pytest
from click.testing import CliRunner
from support.small_networks import GRADIENTS, MISTAKE, changed, network

from conformance.cli import cli
from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS


@pytest.fixture(autouse=True)
def wrong(tmp_path, monkeypatch):
    path = tmp_path / "net.py"
    path.write_text(changed(network(GRADIENTS), MISTAKE), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def run(*arguments, **options):
    return CliRunner().invoke(cli, ["check", "net.py:Net", *arguments], **options)


def test_a_diff_is_printed_alone_and_applies(wrong):
    told = run("--diff")
    assert told.exit_code == EXIT_DIFFERS
    assert told.stdout.startswith("--- ")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=told.stdout, text=True, check=True)
    assert MISTAKE[0] in wrong.read_text(encoding="utf-8")
    assert run().exit_code == EXIT_CONFORMS


def test_a_patch_is_made_and_the_file_as_it_was_is_kept_beside_it(wrong):
    before = wrong.read_bytes()
    told = run("--fix", "--write")
    assert told.exit_code == EXIT_CONFORMS
    assert "agrees with torch.nn.RNN" in told.stdout.splitlines()[-1]
    assert wrong.with_name("net.py.orig").read_bytes() == before


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_a_patch_that_is_not_wanted_is_not_made(wrong, answer):
    before = wrong.read_bytes()
    told = run("--fix", input=answer)
    assert told.exit_code != EXIT_CONFORMS
    assert wrong.read_bytes() == before


def test_a_patch_is_shown_under_the_verdict_unless_it_is_left_out():
    told = run().stdout
    assert "patch: " in told
    assert "write: " not in told
    without = run("--no-mend").stdout
    assert "patch: " not in without
    assert "--no-mend" in without.splitlines()[-1]


@pytest.mark.parametrize("flag", ["--diff", "--fix"])
def test_a_patch_that_is_left_out_is_not_asked_for(flag):
    told = run("--no-mend", flag)
    assert told.exit_code == 2
    assert "--no-mend leaves the patch out" in told.output


def test_write_without_fix_is_wrong_usage():
    told = run("--write")
    assert told.exit_code == 2
    assert "--write goes with --fix" in told.output
