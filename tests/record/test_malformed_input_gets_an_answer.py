"""Malformed input gets a documented error or a right answer. `make fuzz` looks much further than this file."""

import io
import json
import os
import random
from collections import Counter

import pytest
from fuzz import TARGETS
from fuzz.choices import Outcome
from fuzz.records import recorded
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import refrnn
from conformance import UsageError
from conformance.hand_written.calling.loading.source import pieces_of
from conformance.record import decode
from conformance.record.contradictions import check
from conformance.record.reading import read_record
from conformance.report.console import HarmlessConsole
from conformance.report.tables import block, cell, code
from conformance.report.workflow_commands import workflow_command

OFTEN = {"case ids": 2000, "problems": 1000, "records": 400, "notebooks": 60, "adapters": 300}
"""Inputs for each target, a second's worth at most."""


@pytest.mark.parametrize("target", TARGETS)
def test_random_bytes_end_in_an_error_of_ours_or_a_right_answer(target):
    rng = random.Random(target)  # noqa: S311 - the same bytes every time are what is wanted
    ends = Counter(TARGETS[target](rng.randbytes(rng.randrange(120))) for _ in range(OFTEN[target]))
    assert set(ends) == set(Outcome), "both ends must be met, or little was tried"


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=30)
@given(data=st.binary(max_size=200))
def test_what_hypothesis_makes_up_ends_so_too(target, data):
    assert TARGETS[target](data) in Outcome


# What fuzzing has found


BROKEN_CELLS = {
    "a number for cells": '{"cells": 5}',
    "null for cells": '{"cells": null}',
    "a number for a cell": '{"cells": [1]}',
    "numbers for lines": '{"cells": [{"cell_type": "code", "source": [1, 2]}]}',
    "null for a source": '{"cells": [{"cell_type": "code", "source": null}]}',
    "nested without end": "[" * 100_000,
}


@pytest.mark.parametrize("what", BROKEN_CELLS)
def test_a_notebook_whose_cells_are_none_is_refused_by_name(what, tmp_path):
    path = tmp_path / "book.ipynb"
    path.write_text(BROKEN_CELLS[what])
    with pytest.raises(UsageError, match=r"book\.ipynb is no notebook"):
        pieces_of(path)


@pytest.mark.parametrize(
    "code", ["-" * 100_000 + "1", "a" + "()" * 100_000, "a" + ".b" * 100_000, "x = 1" + "+1" * 100_000]
)
def test_code_nested_too_deeply_for_python_is_told_as_such(code, tmp_path):
    path = tmp_path / "deep.py"
    path.write_text(code)
    with pytest.raises(UsageError, match="nested too deeply"):
        pieces_of(path)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")  # noqa: PTH110
def test_a_device_without_end_is_no_record(tmp_path):
    link = tmp_path / "agreement.json"
    link.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="it is a device"):
        read_record(link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_record_may_come_through_a_pipe(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"{}")  # little enough to wait in the pipe
    path = tmp_path / "pipe"
    path.symlink_to(f"/dev/fd/{reading}")
    try:
        with pytest.raises(UsageError, match="schema None"):  # read, and then refused for what it holds
            read_record(path)
    finally:
        os.close(reading)


def changed(*path, to):
    whole = json.loads(recorded())
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return decode(json.dumps(whole).encode())


ELEMENTS, MISMATCHES, UNDECIDED, SHARE = 5, 6, 7, 8
IMPOSSIBLE = {
    "fewer disturbances than none": (("power", "disturbed"), -5),
    "more seen than disturbed": (("power", "seen"), 99_999),
    "power on more cases than there are": (("power", "cases"), 99_999),
    "probed on fewer than none": (("power", "probed"), -5),
    "elements": (("cases", 0, "quantities", 0, ELEMENTS), -1),
    "mismatches in what agrees": (("cases", 0, "quantities", 0, MISMATCHES), 1),
    "undecided in what agrees": (("cases", 0, "quantities", 0, UNDECIDED), 1),
    "a share beyond 1 in what agrees": (("cases", 0, "quantities", 0, SHARE), 1.5),
    "NaN for a share in what agrees": (("cases", 0, "quantities", 0, SHARE), "nan"),
    "more mismatches than elements": (("cases", 1, "quantities", 0, MISMATCHES), 10**9),
    "a negative time": (("seconds",), -1),
    "a profile of no case": (("profiles", 0, "case"), "../../etc/passwd"),
    "a mutant shown by no case": (("power", "mutants", 0, 2), "nowhere"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_record_that_counts_what_cannot_be_is_refused(what):
    path, value = IMPOSSIBLE[what]
    with pytest.raises(UsageError, match=r"contradicts itself|Case id"):
        check(changed(*path, to=value))


def test_a_network_of_more_layers_than_anyone_can_count_is_refused_at_once():
    with pytest.raises(ValueError, match="num_layers must be at most"):
        refrnn.RNN(2, 3, 10**30)


# What fuzzing could not find: how texts are shown


CONTROLS = "a\x1b]0;owned\x07b\x1b[2Jc\x9b31md\x08e"


def test_no_text_reaches_a_terminal_as_a_command():
    out = io.StringIO()
    made = HarmlessConsole(file=out, force_terminal=True, color_system=None, highlight=False)
    made.print(CONTROLS)
    made.print(CONTROLS, markup=False, style="red")
    assert not set("\x1b\x07\x9b\x08") & set(out.getvalue())
    assert out.getvalue().count("\\x1b]0;owned\\x07b") == 2


def test_without_that_console_it_would():
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system=None).print(CONTROLS)
    assert "\x1b]0;owned" in out.getvalue()


def test_no_text_leaves_its_place_in_markdown_or_in_an_annotation():
    for shown in (
        cell(CONTROLS),
        code(CONTROLS),
        block(CONTROLS),
        workflow_command("error", CONTROLS, title=CONTROLS),
    ):
        assert not set("\x1b\x07\x9b\x08") & set(shown)
        assert "\\x1b" in shown
