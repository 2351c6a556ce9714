"""docs/ci.md: its YAML parses and has the parts that are read, its commands and options exist, its files are there."""

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from conformance.cli import cli
from conformance.pytest_plugin import OPTIONS
from conformance.runs.gate import Expectations

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
PROJECT = ROOT / "docs" / "examples" / "ci_project"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


DOCUMENTS = [yaml.safe_load(text) for text in blocks("yaml")]
WORKFLOW, SNIPPET, UPGRADE, REVIEWED, SHOWN, GITLAB = DOCUMENTS


def commands(part: object) -> Iterator[str]:
    """Yield every command that a piece of YAML runs."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "run":
                yield from str(value).splitlines()
            elif key == "script":
                yield from value
            else:
                yield from commands(value)
    elif isinstance(part, list):
        for entry in part:
            yield from commands(entry)


COMMANDS = [
    *(line for document in DOCUMENTS for line in commands(document)),
    *"".join(blocks("sh")).splitlines(),
]


def words(command: str) -> list[str]:
    """Split a command as a shell would, each variable of the CI's one word; where its output goes is left out."""
    split = shlex.split(re.sub(r"\$\{\{.*?\}\}|\$\w+", "1", command))
    return split[: next((n for n, word in enumerate(split) if word in ("|", ">")), None)]


def test_there_are_commands_of_every_kind() -> None:
    programs = {words(command)[0] for command in COMMANDS}
    assert programs == {"python", "pytest", "conformance", "git", "cp"}
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", [c for c in COMMANDS if words(c)[0] == "conformance"])
def test_every_conformance_command_parses(command: str) -> None:
    _, name, *arguments = words(command)
    found = cli.get_command(click.Context(cli), name)
    assert found is not None, name
    found.make_context(name, arguments)  # raises on an option that doesn't exist or a value it doesn't take


@pytest.mark.parametrize("command", [c for c in COMMANDS if words(c)[0] == "pytest"])
def test_every_option_of_pytest_exists_and_paths_stand_behind_an_equals_sign(command: str) -> None:
    known = {f"--conformance-{name}" for name in OPTIONS} | {"--junitxml", "-n"}
    options = [word for word in words(command)[1:] if word.startswith("-")]
    assert {option.partition("=")[0] for option in options} <= known
    assert all("=" in option for option in options if option.startswith("--"))


def test_the_table_has_every_option_and_no_other() -> None:
    listed = re.findall(r"^\| `--conformance-(\w+)=", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(OPTIONS)


def test_the_workflow_runs_all_shards_and_merges_what_they_leave() -> None:
    assert set(WORKFLOW[True]) == {"push", "pull_request"}  # YAML reads a bare `on` as true; GitHub doesn't
    job, merge = WORKFLOW["jobs"]["conformance"], WORKFLOW["jobs"]["merge"]
    shards = job["strategy"]["matrix"]["shard"]
    (run,) = [command for command in commands(job) if command.startswith("pytest")]
    assert f"--conformance-shard=${{{{ matrix.shard }}}}/{len(shards)} " in run
    assert shards == list(range(1, len(shards) + 1))
    assert merge["needs"] == "conformance"
    kept = [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert kept == ["report"]
    assert "--conformance-report=report" in run


def test_uv_is_told_what_this_project_tells_it() -> None:
    (shown,) = blocks("toml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert tomllib.loads(shown)["tool"]["uv"] == project["tool"]["uv"]


def test_every_job_installs_extras_that_exist_and_torch_alone_from_its_own_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for job in (*WORKFLOW["jobs"].values(), *SHOWN["jobs"].values(), GITLAB["conformance"]):
        (install,) = [command for command in commands(job) if "pip install" in command]
        named = re.search(r"refrnn\[([\w,]+)\]", install)
        extras = set(named[1].split(",") if named else ())
        assert extras <= set(project["optional-dependencies"])
        assert ("torch" in extras) == ("PIP_EXTRA_INDEX_URL" in str(job))


def test_the_ready_workflow_tries_every_python_that_is_claimed() -> None:
    ready = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tried = ready["jobs"]["tests"]["strategy"]["matrix"]["python"]
    claimed = [c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r"Python :: 3\.\d", c)]
    assert claimed == tried
    assert project["requires-python"] == f">={tried[0]}"


def test_the_snippet_is_a_list_of_steps() -> None:
    for steps in (SNIPPET, UPGRADE, REVIEWED):
        assert all({"run"} <= step.keys() or {"uses"} <= step.keys() for step in steps)


def test_what_is_scanned_is_uploaded_also_where_something_differs() -> None:
    *_, scan, upload = SHOWN["jobs"]["scan"]["steps"]
    assert scan["run"].endswith(f"> {upload['with']['sarif_file']}")
    assert upload["if"] == "always()"
    assert SHOWN["jobs"]["scan"]["permissions"]["security-events"] == "write"


def test_the_badge_is_the_only_file_of_its_branch_and_that_of_the_last_run(tmp_path: Path) -> None:
    def git(where: Path, *arguments: str) -> str:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@localhost"]
        run = ["git", "-C", str(where), *who, *arguments]
        return subprocess.run(run, check=True, capture_output=True, text=True).stdout

    *_, run, publish = SHOWN["jobs"]["badge"]["steps"]
    assert run["run"].endswith("--report report")
    origin, first = tmp_path / "origin", tmp_path / "first"
    for folder in (origin, first):
        folder.mkdir()
    git(origin, "init", "--bare", "--initial-branch=main")
    git(first, "init", "--initial-branch=main")
    (first / "code.py").touch()
    git(first, "add", "code.py")
    git(first, "commit", "-m", "Code")
    git(first, "push", str(origin), "main")
    for message in ("1 agrees", "2 agree"):
        checkout = tmp_path / message
        git(tmp_path, "clone", str(origin), str(checkout))
        (checkout / "report").mkdir()
        (checkout / "report" / "badge.json").write_text(message, encoding="utf-8")
        shell = ["bash", "-e", "-c", publish["run"]]
        subprocess.run(shell, check=True, capture_output=True, cwd=checkout)
        assert git(origin, "ls-tree", "--name-only", "-r", "badges").split() == ["badge.json"]
        assert git(origin, "show", "badges:badge.json") == message
        assert git(origin, "ls-tree", "--name-only", "main").split() == ["code.py"]


def test_gitlab_finds_the_junit_file_that_is_written() -> None:
    job = GITLAB["conformance"]
    (run,) = [command for command in job["script"] if command.startswith("pytest")]
    assert f"--junitxml={job['artifacts']['reports']['junit']}" in run
    assert job["artifacts"]["when"] == "always"


class Bare(ast.NodeTransformer):
    """Takes out what the project has and five lines don't need: types and sentences."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module == "collections.abc" else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        return self.generic_visit(node)


def test_the_five_lines_are_those_of_the_example_project() -> None:
    shown, _ = blocks("python")
    written = ast.parse((PROJECT / "test_my_rnn.py").read_text(encoding="utf-8"))
    assert ast.unparse(Bare().visit(written)) == ast.unparse(ast.parse(shown))
    assert len([line for line in shown.splitlines() if line]) == 5


def test_the_expected_failures_that_are_shown_parse() -> None:
    (shown,) = blocks("text")
    entries = Expectations.parse(shown, source="ci.md").entries
    assert [entry.subjects for entry in entries] == ["*", "my-rnn"]
    (own,) = Expectations.load(PROJECT / "expected-failures.txt").entries
    assert (own.cases, own.reason) == (entries[0].cases, entries[0].reason)
