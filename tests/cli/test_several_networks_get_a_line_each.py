"""Several networks in one check: found in folders, a line each, one exit code, every format that can hold them."""

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from gallery.definitions import located
from support import sarif
from support.commands import conformance

from conformance.errors import UsageError
from conformance.hand_written.calling.loading.source import Piece
from conformance.hand_written.checking.process import Keeper, checked_apart
from conformance.hand_written.collecting import collected, networks_in, networks_under, sources_under
from conformance.hand_written.report.overview import sentence
from conformance.record.check import CheckRecord

RIGHT, WRONG = located("many_to_one.py:RNN"), located("sum_learner.py:RNN")
NO_NETWORK = (
    "import os\n\n\ndef forward(letters):\n    for one in letters:\n        os.system(f'mail {one}')\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a right network, a wrong one, and much that is none."""
    made = tmp_path_factory.mktemp("nets")
    for source, place in ((RIGHT, "a/right.py"), (WRONG, "b/wrong.py"), (RIGHT, ".hidden/right.py")):
        target = made / place
        target.parent.mkdir()
        shutil.copy(source.partition(":")[0], target)
    (made / "mail.py").write_text(NO_NETWORK)
    (made / "no_python.py").write_text("else: nothing")
    (made / "no_notebook.ipynb").write_text("{")
    return made


@pytest.fixture(scope="module")
def known(folder: Path) -> dict[str, CheckRecord]:
    """What a check says of each network of the folder, asked once."""
    targets = (f"{folder}/a/right.py:RNN", f"{folder}/b/wrong.py:RNN", f"{folder}/mail.py")
    return {target: checked_apart(target, "") for target in targets}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, known: dict[str, CheckRecord]) -> Callable[..., tuple[int, str]]:
    """Return the command `check`, for which all is known already."""
    monkeypatch.setattr(Keeper, "answer", lambda _, question, __: known[question.target])
    return lambda *arguments: conformance("check", *arguments)


Check = Callable[..., tuple[int, str]]


def test_a_folder_stands_for_the_networks_in_it(folder: Path) -> None:
    assert list(networks_under(folder)) == [f"{folder}/a/right.py:RNN", f"{folder}/b/wrong.py:RNN"]
    assert {path.name for path in sources_under(folder)} == {
        "right.py", "wrong.py", "mail.py", "no_python.py", "no_notebook.ipynb",
    }  # fmt: skip


def test_most_files_of_the_gallery_are_found_and_nothing_of_the_tests_themselves() -> None:
    """The gallery's files hold a network each; some are written so that only running them shows it."""
    gallery = Path(__file__).parents[1] / "gallery" / "subjects"
    files = {str(path) for path in sources_under(gallery)}
    found = {target if target in files else target.rpartition(":")[0] for target in networks_under(gallery)}
    assert found <= files
    assert len(found) > 0.9 * len(files)
    assert list(networks_under(Path(__file__).parent)) == []


def test_each_gets_a_line_and_the_worst_decides(folder: Path, check: Check) -> None:
    code, out = check(folder)
    lines = out.splitlines()
    assert code == 1
    assert lines[0].startswith(f"CONFORMS  {folder}/a/right.py:RNN  agrees with torch.nn.RNN")
    assert lines[1].startswith(f"DIFFERS  {folder}/b/wrong.py:RNN  differs from torch.nn.RNN")
    assert f"{folder}/b/wrong.py:" in lines[1].partition("Lines: ")[2]
    assert lines[2:] == ["2 networks: 1 differs, 1 conforms"]


def test_quiet_prints_what_does_not_conform_and_verbose_all(folder: Path, check: Check) -> None:
    right, wrong = f"{folder}/a/right.py:RNN", f"{folder}/b/wrong.py:RNN"
    assert check("-q", right) == (0, "")
    code, out = check("--quiet", right, wrong)
    assert (code, out.count("\n"), out.split()[0]) == (1, 1, "DIFFERS")
    code, out = check("-v", right, wrong)
    assert (code, out.count("reproduce: ")) == (1, 2)
    assert check("-q", "--diff", right)[0] == 2


def test_nothing_in_a_folder_is_not_agreement(tmp_path: Path) -> None:
    assert conformance("check", tmp_path) == (4, "")


def test_what_can_not_be_judged_counts_more_than_what_conforms(folder: Path, check: Check) -> None:
    code, out = check(f"{folder}/a/right.py:RNN", f"{folder}/mail.py")
    assert (code, out.splitlines()[-1]) == (5, "2 networks: 1 failed, 1 conforms")


def test_functions_of_several_files_are_one_network_and_classes_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def forward(x): return x\nclass A: pass")
    (tmp_path / "b.py").write_text("def backward(d): return d\nclass B: pass")
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    assert collected([f"{a}:forward", f"{b}:backward"]) == [f"{a}:forward {b}:backward"]
    assert collected([f"{a}:A", f"{b}:B"]) == [f"{a}:A", f"{b}:B"]
    assert collected([str(a), str(b), str(a)]) == [str(a), str(b)]
    assert collected([f"{a}:forward,grads", f"{b}:step, backward"]) == [
        f"{a}:forward,grads",
        f"{b}:step, backward",
    ]
    with pytest.raises(UsageError, match="There is no file"):
        collected([f"{tmp_path}/none.py:A", str(b)])


def test_modules_are_taken_apart_as_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.py").write_text(
        "class A: pass\nclass B: pass\ndef lstm_forward(x): pass\ndef lstm_backward(d): pass"
    )
    monkeypatch.chdir(tmp_path)
    named = ["two:A", "two:lstm_forward,lstm_backward", "two:B"]
    assert collected(named) == named
    assert collected(["two:lstm_forward", "two:lstm_backward"]) == ["two:lstm_forward two:lstm_backward"]
    with pytest.raises(UsageError, match="neither a file nor a module"):
        collected(["none:A", "two:B"])


FUNCTIONS = "def forward(x):\n  return dot(W, x)\ndef backward(d):\n  return dot(W.T, d)"
NETWORK = "class A:\n  def forward(s, xs):\n    for x in xs: h = s.W @ x"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (NETWORK, ["A"]),
        (NETWORK.replace("@", "*"), []),
        (NETWORK.replace("for x in xs", "if xs"), []),
        (NETWORK.replace("for x in xs", "if xs").replace("A", "MyCell"), ["MyCell"]),
        (NETWORK.replace("forward", "plot_all"), []),
        ("def forward(xs):\n  for x in xs: h = dot(W, x)", [""]),
        ("def forward(x):\n  return dot(W, x)", []),
        (FUNCTIONS, [""]),
        (f"{NETWORK}\n{FUNCTIONS}", ["A", "forward,backward"]),
        (f"{NETWORK}\n    return forward(h) + backward(h)\n{FUNCTIONS}", ["A"]),
    ],
)
def test_a_network_multiplies_and_goes_through_time_in_a_pass(text: str, names: list[str]) -> None:
    assert networks_in([Piece(file="x.py", text=text, tree=ast.parse(text))]) == names


def test_a_file_of_several_networks_stands_for_each(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(f"{NETWORK}\n{FUNCTIONS}")
    (tmp_path / "one.py").write_text(NETWORK)
    both, one = tmp_path / "both.py", tmp_path / "one.py"
    assert collected([str(both), str(one)]) == [f"{both}:A", f"{both}:forward,backward", str(one)]


@pytest.mark.parametrize("form", ["json", "sarif", "html", "markdown", "github"])
def test_a_format_holds_several(folder: Path, check: Check, form: str) -> None:
    code, out = check(folder, "--format", form)
    assert code == 1
    if form == "json":
        assert [record["verdict"] for record in json.loads(out)] == ["conforms", "differs"]
    elif form == "sarif":
        [run] = sarif.read(out).runs  # code scanning refuses several runs of one tool
        files = {r.locations[0].physical_location.artifact_location.uri for r in run.results}
        assert [PurePosixPath(file).name for file in files] == ["wrong.py"]
    else:
        assert "a/right.py" in out
        assert "b/wrong.py" in out
    if form == "html":
        assert out.count("<!doctype html>") == 1


def test_a_review_is_of_one_network(folder: Path, check: Check) -> None:
    with pytest.raises(UsageError, match="one network"):
        check(folder, "--format", "suggestions")


def test_every_patch_is_printed(folder: Path, check: Check) -> None:
    code, out = check(folder, "--diff")
    assert code == 1
    assert out.startswith("--- ")
    assert "+++ " in out


def test_a_sentence_counts_verdicts_from_the_gravest(known: dict[str, CheckRecord]) -> None:
    assert sentence([]) == "0 networks"
    assert sentence(list(known.values())) == "3 networks: 1 failed, 1 differs, 1 conforms"


def test_one_file_of_several_networks_gets_a_line_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network beside another one in its file is not passed over."""
    asked: list[str] = []
    right = checked_apart(RIGHT, "")
    monkeypatch.setattr(Keeper, "answer", lambda _, question, __: asked.append(question.target) or right)
    (tmp_path / "both.py").write_text(f"{NETWORK}\n{FUNCTIONS}")
    _, out = conformance("check", str(tmp_path / "both.py"))
    assert asked == [f"{tmp_path}/both.py:A", f"{tmp_path}/both.py:forward,backward"]
    assert out.splitlines()[-1] == "2 networks: 2 conforms"


OF_A_CELL = """
class Cell:
    def forward(self, x, h):
        return x @ self.W + h @ self.U

class Net:
    def __init__(self):
        self.cell = Cell()
    def forward(self, xs):
        for x in xs: h = self.cell.forward(x, h)

class Own(Net):
    def backward(self, dhs):
        for dh in dhs: pass

class Mailer:
    def forward(self, messages):
        for one in messages: self.server.send(one)
"""


def test_a_class_that_leaves_the_products_to_its_cell_is_a_network() -> None:
    piece = Piece(file="x.py", text=OF_A_CELL, tree=ast.parse(OF_A_CELL))
    assert networks_in([piece]) == ["Cell", "Net", "Own"]
