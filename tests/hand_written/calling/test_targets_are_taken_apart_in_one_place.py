"""What a target means is decided in one place: drives of Windows, colons in folders, lists of names, modules."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import cli
from conformance.hand_written.calling.adapter import statement
from conformance.hand_written.report.places import file_of
from conformance.hand_written.request import Request
from conformance.hand_written.target import Target, parts_of
from conformance.record.check import CHECK_SCHEMA, CheckRecord

TARGETS = {
    "file.py": ("file.py", (), "file"),
    "file.py:Name": ("file.py", ("Name",), "file"),
    "file.py:": ("file.py", (), "file"),
    "a/b/book.ipynb:forward, backward": ("a/b/book.ipynb", ("forward", "backward"), "book"),
    "package.module:RNN.step": ("package.module", ("RNN.step",), "module"),
    "package.module": ("package.module", (), "module"),
    "C:\\dir\\file.py": ("C:\\dir\\file.py", (), "file"),
    "C:\\dir\\file.py:Name": ("C:\\dir\\file.py", ("Name",), "file"),
    "c:/dir/file.py:forward,backward": ("c:/dir/file.py", ("forward", "backward"), "file"),
    "C:\\my.py\\file.py:Name": ("C:\\my.py\\file.py", ("Name",), "file"),
    "C:file.py:Name": ("C:file.py", ("Name",), "C:file"),
    "C:\\dir\\FILE.PY:Name": ("C:\\dir\\FILE.PY", ("Name",), "FILE"),
    "C:\\dir\\script:Name": ("C:\\dir\\script", ("Name",), "C:\\dir\\script"),
    "\\\\server\\share\\file.py:Name": ("\\\\server\\share\\file.py", ("Name",), None),
    "\\\\?\\C:\\dir\\file.py:Name": ("\\\\?\\C:\\dir\\file.py", ("Name",), "file"),
    "/data/run:3/file.py:Name": ("/data/run:3/file.py", ("Name",), "file"),
}


@pytest.mark.parametrize("text", TARGETS)
def test_a_target_is_a_place_and_names(text):
    place, names, stem = TARGETS[text]
    found = Target.parse(text)
    assert (found.place, found.names) == (place, names)
    assert stem in (None, found.stem)


@pytest.mark.parametrize("text", ["C:\\none\\file.py:Name", "C:\\none\\file.py", "none.py:a,b"])
@pytest.mark.parametrize("command", ["check", "init"])
def test_a_missing_file_is_named_without_what_is_wanted_of_it(command, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [command, text])
    assert f"There is no file {Target.parse(text).place}." in str(done.exception)


@pytest.mark.parametrize("command", ["check", "init"])
def test_a_path_of_windows_is_checked_and_written_about_like_any_other(command, tmp_path, monkeypatch):
    """On this system such a path is the name of a file in the working folder, which is all that is needed."""
    monkeypatch.chdir(tmp_path)
    place = "C:\\Users\\new\\nets.py"
    Path(place).write_text("def forward(x):\n    return 1\n\n\ndef backward(g):\n    return 2\n")
    done = CliRunner().invoke(cli, [command, f"{place}:forward,backward"])
    assert done.exit_code == 5, done.output
    assert [path.name for path in tmp_path.glob("*_adapter.py")] == ["nets_adapter.py"] * (command == "init")


def test_an_adapter_of_a_windows_path_is_python():
    source = statement("C:\\Users\\new\\nets.py:Net", {}, execute=False)
    tree = ast.parse(source)
    assert "C:\\Users\\new\\nets.py:Net" in ast.get_docstring(tree)
    assert "C:\\Users\\new\\nets.py:Net" in [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]


def test_an_annotation_points_at_the_file_on_its_drive():
    request = Request.on_the_command_line("C:\\dir\\file.py:forward,backward")
    record = CheckRecord(
        schema=CHECK_SCHEMA, target=request.target, verdict="failed", headline="", reproduce=request.reproduce
    )
    assert file_of(record) == "C:\\dir\\file.py"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.py:forward b.py:backward", ["a.py:forward", "b.py:backward"]),
        ("net.ahead:forward  net.back:backward", ["net.ahead:forward", "net.back:backward"]),
        ("a.py:f, g b.py:h,i c.py:j", ["a.py:f, g", "b.py:h,i", "c.py:j"]),
        ("my nets/a.py:f my nets/b.py:g", ["my nets/a.py:f", "my nets/b.py:g"]),
        ("my nets/a.py", ["my nets/a.py"]),
        ("a.py:f, g", ["a.py:f, g"]),
        ("C:\\my nets\\a.py:f", ["C:\\my nets\\a.py:f"]),
    ],
)
def test_several_targets_have_blanks_between_them(text, parts):
    assert parts_of(text) == parts
