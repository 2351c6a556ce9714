"""A patch changes its lines and nothing else, and no file that isn't what was checked."""

import json

import pytest

from conformance.errors import UsageError
from conformance.hand_written.mending.patch import patched, unified, with_fixes
from conformance.record.check import CHECK_SCHEMA, CheckRecord, FixRecord


def record(*fixes):
    return CheckRecord(
        schema=CHECK_SCHEMA, target="", verdict="differs", headline="", reproduce="", fixes=list(fixes)
    )


def fix(file, first, before, after):
    return FixRecord(file=str(file), first=first, before=before, after=after)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_endings_and_the_end_of_the_file_stay(tmp_path, end, last):
    lines = ["one = 1  # kept", "\tdh = a", "two", "three = 'ä'"]
    path = tmp_path / "rnn.py"
    path.write_bytes((end.join(lines) + end * last).encode())
    found = patched(record(fix(path, 2, ["\tdh = a"], ["\tdh = a", "\tdh += b"])))
    wanted = [*lines[:2], "\tdh += b", *lines[2:]]
    assert found == {path: (end.join(wanted) + end * last).encode()}


def test_several_fixes_are_counted_in_the_lines_as_they_were():
    text = "a\nb\nc\nd\n"
    fixes = [fix("f", 2, ["b"], []), fix("f", 3, [], ["new"]), fix("f", 4, ["d"], ["e"])]
    assert with_fixes(text, fixes, "f") == "a\nnew\nc\ne\n"


def test_a_byte_order_mark_stays():
    assert with_fixes("\ufeffa\nb\n", [fix("f", 1, ["a"], ["c"])], "f") == "\ufeffc\nb\n"


def test_bytes_that_are_no_text_stay(tmp_path):
    path = tmp_path / "rnn.py"
    path.write_bytes(b"# caf\xe9\na\n")
    assert patched(record(fix(path, 2, ["a"], ["b"])))[path] == b"# caf\xe9\nb\n"


@pytest.mark.parametrize("text", ["one\nother\nthree\n", "one\n", ""])
def test_a_file_that_changed_is_refused(tmp_path, text):
    path = tmp_path / "rnn.py"
    path.write_text(text)
    with pytest.raises(UsageError, match="isn't what was checked, at line 2"):
        patched(record(fix(path, 2, ["two"], ["2"])))


def test_a_file_that_is_gone_is_told(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        patched(record(fix(tmp_path / "gone.py", 1, ["a"], ["b"])))


def notebook(sources, **style):
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# é"]}]
    for source in sources:
        output = [{"output_type": "stream", "name": "stdout", "text": ["kept\n"]}]
        cells.append(
            {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": output, "source": source}
        )
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, **style) + "\n"


@pytest.mark.parametrize("style", [{"indent": 1, "ensure_ascii": False}, {"indent": 2}, {}])
@pytest.mark.parametrize("listed", [True, False])
def test_a_notebook_is_patched_in_its_cell(tmp_path, style, listed):
    def sources(second):
        return [["import numpy\n"], ["a\n", second, "c"] if listed else f"a\n{second}c"]

    path = tmp_path / "rnn.ipynb"
    path.write_text(notebook(sources("b\n"), **style), encoding="utf-8")
    found = patched(record(fix(f"{path}#2", 2, ["b"], ["B"])))
    assert found[path].decode() == notebook(sources("B\n"), **style)


def test_a_notebook_that_would_be_written_otherwise_is_refused(tmp_path):
    path = tmp_path / "rnn.ipynb"
    path.write_text(notebook([["a"]], indent=1).replace('"cells": [', '"cells":  ['))
    with pytest.raises(UsageError, match="no usual way"):
        patched(record(fix(f"{path}#1", 1, ["a"], ["b"])))


def test_a_diff_tells_of_a_missing_end_of_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rnn.py").write_text("a\nb")
    assert unified(record(fix("rnn.py", 2, ["b"], ["c"]))) == (
        "--- a/rnn.py\n+++ b/rnn.py\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n"
        "+c\n\\ No newline at end of file\n"
    )


def test_without_fixes_there_is_no_diff():
    assert unified(record()) == ""
