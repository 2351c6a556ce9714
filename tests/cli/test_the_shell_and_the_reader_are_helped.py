"""Help shows every command in its group and cuts nothing; shells complete; what was meant is told."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.commands import Command

from conformance.cli import cli
from conformance.cli.help import GROUPS


def test_every_command_is_in_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(cli.commands)


def test_help_has_every_group_and_cuts_nothing(command: Command) -> None:
    text = command("--help").out
    for title, names in GROUPS.items():
        assert f"{title}:" in text
        for name in names:
            (first,) = [line for line in text.splitlines() if line.split()[:1] == [name] and line[2] != " "]
            assert len(first) > len(name) + 10
    assert "..." not in text.partition("\n")[2]
    assert "what is wrong, where, and why." in " ".join(text.split())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("chekc", "x.py"), "'check'"),
        (("my_rnn.py:MyRNN",), "conformance check my_rnn.py:MyRNN"),
        (("rnn.ipynb",), "conformance check rnn.ipynb"),
        (("check", "--fixx", "x.py"), "--fix"),
        (("run", "--suites"), "--suite"),
    ],
)
def test_what_was_meant_is_told(command: Command, typed: tuple[str, ...], told: str) -> None:
    answer = command(*typed)
    assert answer.code == 2
    assert told in answer.err


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """`conformance` as a program on its own, as an installation has it."""
    path = tmp_path / "conformance"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m conformance "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.name != "posix", reason="bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("conformance ch", "check"),
        ("conformance run --suite st", "standard"),
        ("conformance run --subject torch-c", "torch-cells torch-compiled torch-cuda"),
        ("conformance show --subject ref", "reference"),
        ("conformance explain carry-not", "carry-not-transposed"),
        ("conformance check --no", "--no-mend"),
    ],
)
def test_bash_completes_what_is_typed(program: Path, typed: str, offered: str) -> None:
    script = (
        'eval "$(conformance completion bash)"; '
        f"COMP_WORDS=({typed}); COMP_CWORD={len(typed.split()) - 1}; "
        "_conformance_completion conformance; echo ${COMPREPLY[@]}"
    )
    env = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == offered, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_the_program(command: Command, shell: str) -> None:
    answer = command("completion", shell)
    assert answer.code == 0
    assert f"_CONFORMANCE_COMPLETE={shell}_complete" in answer.out


def test_files_are_completed_by_the_shell() -> None:
    for name in ("check", "init"):
        (targets,) = [p for p in cli.commands[name].params if isinstance(p, click.Argument)]
        (item,) = targets.shell_complete(click.Context(cli.commands[name]), "my_")
        assert item.type == "file"
