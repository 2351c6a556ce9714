"""A patch makes every gradient right wherever it is asked; where none does, nothing is claimed."""

import shutil
from pathlib import Path

import pytest
from gallery.definitions import SUBJECTS
from gallery.truth import truths
from planted import CELLS, PLANTED

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.mending.patch import patched, unified
from conformance.hand_written.request import Request

TRUTHS = truths()
MENDED = ("carry_forgotten", "wraps_round", "pre_activation", "head_first")
CELLS_MENDED = ("lstm rows, forgotten cell carry", "minimal unit, one")


def check(target):
    request = Request.on_the_command_line(str(target), mend=True)
    return checked_target(str(target), "", request, lambda _: None, execute=False)


def changed_lines(record):
    return {n for fix in record.fixes for n in range(fix.first, fix.first + len(fix.before))}


def made(record):
    for path, content in patched(record).items():
        path.write_bytes(content)


@pytest.mark.parametrize("name", MENDED)
def test_a_patch_of_the_gallery_holds_in_a_copy_and_is_made_once(tmp_path, name):
    truth = TRUTHS[name]
    path = tmp_path / Path(truth.file).name
    shutil.copyfile(SUBJECTS / truth.file, path)
    target = f"{path}{truth.target.removeprefix(truth.file)}"
    record = check(target)
    assert record.verdict == "differs"
    assert record.fixes
    made(record)
    again = check(target)
    assert again.conforms
    assert not again.fixes
    assert not unified(again)


@pytest.mark.parametrize("name", CELLS_MENDED)
def test_mistakes_planted_in_other_cells_are_mended_on_their_own_lines(tmp_path, name):
    planted = PLANTED[name]
    path = tmp_path / f"{planted.cell}.py"
    path.write_text(planted.wrong, encoding="utf-8")
    record = check(f"{path}:{planted.names}")
    assert record.exit_code == 1
    assert changed_lines(record) <= planted.lines
    made(record)
    again = check(f"{path}:{planted.names}")
    assert again.conforms or again.consistency.agrees
    assert not again.fixes


@pytest.mark.parametrize("cell", ["gru_rows"])
def test_right_cells_are_left_alone(cell):
    record = check(CELLS / f"{cell}.py")
    assert record.conforms
    assert not record.fixes
    assert not record.located


def test_a_mend_that_fails_elsewhere_is_not_told(monkeypatch):
    from conformance.hand_written.checking import mended

    monkeypatch.setattr(mended, "_holds", lambda *_, **__: False)
    record = check(SUBJECTS / TRUTHS["inner_product"].target)
    assert not record.fixes
    assert record.located.startswith("The first value of its backward pass")
    assert f"{TRUTHS['inner_product'].file}:" in record.located


def test_what_was_never_kept_is_not_mended_but_located():
    record = check(SUBJECTS / TRUTHS["two_bits"].target)
    assert not record.fixes
    assert "dh_raw" in record.located
    assert record.located.endswith("so it must be kept.")


def test_the_same_question_has_the_same_patch():
    target = SUBJECTS / TRUTHS["carry_forgotten"].target
    assert check(target).fixes == check(target).fixes


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_somewhere(name):
    assert PLANTED[name].lines
