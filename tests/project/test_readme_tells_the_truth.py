"""The README is one screen; what the first check and the tour show is what happens: Python runs, output is printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
START, TOUR = (README.parent / "docs" / name for name in ("start.md", "tour.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCREEN = 50
"""Lines that can be seen at once."""
NUMBER = re.compile(r"<?-?\d+(\.\d+)?(e[+-]\d+)?")


def blocks(language: str) -> list[str]:
    both = START.read_text(encoding="utf-8") + TOUR.read_text(encoding="utf-8")
    return [text for kind, text in BLOCK.findall(both) if kind == language]


def without_numbers(text: str) -> str:
    """Return `text` with numbers masked, and the padding of tables: both depend on the processor, words don't."""
    return re.sub(r" +", " ", NUMBER.sub("#", text))


def test_the_readme_is_one_screen_with_one_picture_two_commands_for_users_and_two_in_a_checkout() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= SCREEN
    assert text.count("![") == 1
    commands = [
        line.split()[:2] for language, block in BLOCK.findall(text) for line in block.splitlines() if language
    ]
    assert commands == [["pip", "install"], ["conformance", "check"], ["make", "agreement"], ["make", "test"]]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the first check is of."""
    path = tmp_path_factory.mktemp("readme") / "my_rnn.py"
    path.write_text(blocks("python")[0], encoding="utf-8")
    return path


def said_of(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of the first check in the folder of `path`."""
    command = [sys.executable, "-m", "conformance", "check", f"{path.name}:MyRNN"]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)


def test_the_first_check_prints_what_is_shown(network: Path) -> None:
    done = said_of(network)
    head, tail = blocks("text")[0].split("  …\n")
    assert done.returncode == 1
    assert without_numbers(done.stdout).startswith(without_numbers(head))
    assert without_numbers(done.stdout).endswith(without_numbers(tail))
    shown, happened = (
        next(line for line in text.splitlines() if line.startswith("first"))
        for text in (blocks("text")[0], done.stdout)
    )
    assert shown == happened


def test_the_mended_network_conforms(network: Path) -> None:
    mended = network.with_name("mended.py")
    text = network.read_text(encoding="utf-8")
    for wrong, right in (
        ("1 - np.tanh(self.hs[t]) ** 2", "1 - self.hs[t] ** 2"),
        ("self.Whh @ dz", "self.Whh.T @ dz"),
    ):
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    mended.write_text(text, encoding="utf-8")
    done = said_of(mended)
    assert (done.returncode, done.stdout.split()[0]) == (0, "CONFORMS")


def test_the_python_that_is_shown_runs_and_its_test_fails_on_its_mistakes() -> None:
    program = "\n".join(blocks("python")) + "\ntest_my_rnn_conforms()\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "AssertionError: DIFFERS" in done.stderr, done.stderr
    assert "tanh-prime-of-activated" in done.stderr


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in (README, *README.parent.glob("docs/**/*.md"), README.parent / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([\w./-]+\.\w+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_numbers_of_faults_in_the_tour_and_the_changelog_are_those_of_the_catalogue() -> None:
    from conformance.faults import CATALOGUE

    for name in ("docs/tour.md", "CHANGELOG.md"):
        text = (README.parent / name).read_text(encoding="utf-8")
        assert set(re.findall(r"catalogue of (\d+) faults", text)) == {str(len(CATALOGUE))}, name
    assert f"caught all {len(CATALOGUE)} " in TOUR.read_text(encoding="utf-8")
