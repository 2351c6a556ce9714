"""What the README shows is what happens: its Python runs, its output is printed, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README.read_text(encoding="utf-8")) if kind == language]


def without_numbers(text: str) -> str:
    """Return `text` with its numbers masked: their digits depend on the processor, the words don't."""
    return NUMBER.sub("#", text)


@pytest.fixture(scope="module")
def printed() -> str:
    """What all Python blocks of the README print, run one after the other as one program."""
    program = "\n".join(blocks("python")) + "\ntest_my_rnn_conforms()\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "AssertionError: DIFFERS" in done.stderr, (
        done.stderr
    )  # the README's own test fails on the README's mistake
    return done.stdout


def test_the_opening_session_prints_what_the_readme_shows(printed: str) -> None:
    head, tail = blocks("text")[0].split("  …\n")
    assert without_numbers(printed).startswith(without_numbers(head))
    assert without_numbers(printed).endswith(without_numbers(tail))


def test_the_first_divergent_step_is_the_one_the_readme_names(printed: str) -> None:
    shown, happened = (
        next(line for line in text.splitlines() if "first" in line) for text in (blocks("text")[0], printed)
    )
    assert shown == happened


def test_the_mended_network_agrees() -> None:
    program = blocks("python")[0].replace("1 - np.tanh(h[t + 1]) ** 2", "1 - h[t + 1] ** 2")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("AGREES: my-rnn")


def test_every_command_and_option_of_the_readme_exists() -> None:
    from conformance.cli import cli

    for block in blocks("console"):
        for line in block.splitlines():
            program, name, *rest = line.removeprefix("$ ").split("#")[0].split()
            assert program == "conformance"
            command = cli.get_command(click.Context(cli), name)
            assert command is not None, name
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= known


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in (README, *README.parent.glob("docs/**/*.md"), README.parent / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([\w./-]+\.\w+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
