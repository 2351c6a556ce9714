"""A class that a running notebook defines has no file: its lines are told by the cell that they stand in."""

import linecache
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import conformance
from conformance.errors import UsageError
from conformance.hand_written.locations import from_here, running_cell
from conformance.hand_written.report.formats import text_of

START = Path(__file__).parents[3] / "docs" / "start.md"
CELL = str(Path("kernel_7", "123.py").resolve())


class Compiler:
    """What IPython's compiler tells of its cells."""

    def format_code_name(self, name):
        return {CELL: ("Cell", "In[12]"), "<made up>": ("Function", "f")}.get(name)


@pytest.fixture
def notebook(monkeypatch):
    """Run as if IPython did."""
    shell = SimpleNamespace(compile=Compiler())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def ran(source, monkeypatch):
    """Return what the twelfth cell defines, whose source is to be had as in a notebook."""
    monkeypatch.setitem(linecache.cache, CELL, (len(source), None, source.splitlines(keepends=True), CELL))
    names = {"__name__": "cells"}
    exec(compile(source, CELL, "exec"), names)  # noqa: S102 - as a notebook runs its cells
    return names


@pytest.fixture
def network(monkeypatch):
    """Define the network of the first check in a cell."""
    source = re.search(r"```python\n(.*?)```", START.read_text(encoding="utf-8"), re.DOTALL)[1]
    names = ran(source, monkeypatch)
    monkeypatch.setitem(sys.modules, "cells", SimpleNamespace(__file__=CELL, **names))
    return names["MyRNN"]


@pytest.mark.usefixtures("notebook")
def test_a_cell_is_told_by_the_number_beside_it():
    assert running_cell(CELL) == "12"
    assert running_cell("<made up>") == running_cell("other.py") == ""
    assert from_here(CELL) == ".ipynb#12"
    assert from_here(str(Path("other.py").resolve())) == "other.py"


def test_without_a_notebook_nothing_is_a_cell(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert from_here(CELL) == str(Path("kernel_7", "123.py"))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert from_here(CELL) == str(Path("kernel_7", "123.py")), "IPython is imported, and doesn't run"


@pytest.mark.usefixtures("notebook")
def test_every_format_tells_the_cell_and_its_line(network):
    check = conformance.check(network)
    record, text = check.record, str(check)
    assert (
        {fix.file for fix in record.fixes} == {excerpt.file for excerpt in record.excerpts} == {".ipynb#12"}
    )
    line = next(fix.first for fix in record.fixes)
    assert f"cell 12, line {line}: dz = " in text
    assert "--- cell 12" in text
    for form in ("html", "markdown", "sarif", "suggestions"):
        assert "kernel_7" not in text_of(form, [record], several=False)
    assert "cell 12" in text_of("html", [record], several=False)
    annotations = text_of("github", [record], several=False)
    assert f"::Cell 12, line {line}: " in annotations
    assert "file=" not in annotations, "there is no file to show it in"


@pytest.mark.usefixtures("notebook")
def test_what_code_raises_is_told_with_its_cell(network, monkeypatch):
    source = "def backward(self, dys):\n    raise ValueError('no')\n"
    Raising = type("Raising", (network,), {"backward": ran(source, monkeypatch)["backward"]})
    assert "ValueError: no, in backward at cell 12, line 2" in conformance.check(Raising).record.headline


@pytest.mark.usefixtures("notebook")
def test_a_check_is_a_text_in_a_notebook_too(network, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)  # rich would show it, and print nothing
    assert str(conformance.check(network, mend=False)).startswith("DIFFERS  MyRNN differs from torch.nn.RNN")


@pytest.mark.usefixtures("notebook")
def test_the_patch_of_a_cell_is_shown_by_its_lines_and_written_into_no_file(network):
    check = conformance.check(network)
    fix = check.record.fixes[0]
    hunk = (
        f"--- cell 12\n+++ cell 12\n@@ -{fix.first},1 +{fix.first},1 @@\n-{fix.before[0]}\n+{fix.after[0]}\n"
    )
    assert check.diff.startswith(hunk)
    with pytest.raises(UsageError, match=r"in no file\. Write the lines of the patch into them"):
        _ = check.fixed_source
