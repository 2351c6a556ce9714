"""Every command in a block of the README and of any page is understood: programs, options, values, targets, extras."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from project.test_readme_tells_the_truth import BLOCK, README

from conformance.cli import cli

ROOT = README.parent
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELLS = ("sh", "console", "bash")
GENERATED = ROOT / "docs" / "faults"
LANGUAGES = {*SHELLS, "text", "python", "toml", "yaml", "math"}
"""Blocks of which something is held: their commands here, or all of it by a test of the page."""


def commands(page: Path) -> list[str]:
    """Return the commands of the blocks of a page; what they print, and comments, are left out."""
    found = []
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        lines = [line for line in text.splitlines() if line.strip()] if kind in SHELLS else []
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        found += prompted or lines
    return [command for line in found if (command := line.split(" #")[0].strip())]


SHOWN = [(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in commands(page)]


def of(program: str) -> list[list[str]]:
    """Return the words of the commands that start a program, without an ellipsis."""
    split = [[word for word in shlex.split(line) if word != "…"] for _, line in SHOWN]
    return [words[1:] for words in split if words[0] == program]


def test_every_command_starts_a_program_that_is_held_here() -> None:
    programs = {shlex.split(line)[0] for _, line in SHOWN}
    assert programs <= {"conformance", "make", "pip", "export", "python", "pytest", ".ci/run"}, programs
    assert len(of("conformance")) > 20


@pytest.mark.parametrize("words", of("conformance"), ids=" ".join)
def test_the_command_line_understands_it(words: list[str]) -> None:
    name, *arguments = words
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    redirected = arguments[: arguments.index(">")] if ">" in arguments else arguments
    command.make_context(
        name, redirected
    )  # raises on an option that doesn't exist or a value it doesn't take


@pytest.mark.parametrize("words", of("make"), ids=" ".join)
def test_make_has_its_targets(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in words:
        if "=" not in target:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_extra_that_is_installed_exists() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    named = {
        extra
        for words in of("pip")
        for group in re.findall(r"\[([\w,]+)\]", " ".join(words))
        for extra in group.split(",")
    }
    assert named
    assert named <= set(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_is_of_a_kind_that_is_held(page: Path) -> None:
    blocks = [] if page.is_relative_to(GENERATED) else BLOCK.findall(page.read_text(encoding="utf-8"))
    for kind, text in blocks:
        assert kind in LANGUAGES
        if kind == "yaml":
            yaml.safe_load(text)
        if kind == "toml":
            tomllib.loads(text)
