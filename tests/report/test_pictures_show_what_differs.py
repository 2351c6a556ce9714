"""Pictures of what differs: small numbers from findings, drawn with labels and legends; nothing of what agrees."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from support import planting
from support.planting import Shows

from conformance import examine, parse_id
from conformance.examination.pictures import MOST_CELLS, MOST_ELEMENTS, map_records, matrix_records
from conformance.record.pictures import MapRecord, NormsRecord
from conformance.report.pictures import CURVES, LEGEND, LEVELS, curves, heat_map, level
from conformance.report.strip import strip_lines

CASE = parse_id("rnn-tanh-L2-T7-B3-I4-H5-f64-s0")
LONG = parse_id("rnn-tanh-T70-B2-I3-H40-f64-s0")


def planted(case, quantity, index, value):
    """Return the record of a subject that shows a value of its own at one element of a quantity."""
    run = planting.judged(case, "torch-steps")
    return examine(case, Shows(planting.planted(run, run.finding(quantity), index, value)))


def test_what_agrees_has_no_pictures() -> None:
    findings = planting.judged(CASE, "torch-steps").findings
    assert map_records(findings) == []
    assert matrix_records(findings) == []


def test_a_map_has_the_greatest_share_of_a_batch_at_its_step_and_unit() -> None:
    record = planted(CASE, "dL/dh", (4, 2, 3), 1e-6)
    (states, gradients) = record.maps
    assert (states.quantity, gradients.quantity) == ("h", "dL/dh")
    assert states.first is None
    assert gradients.first == (4, 3)
    assert (len(gradients.columns), len(gradients.columns[0])) == (7, 5)
    shares = np.array(gradients.columns, float)
    assert record.first_divergence is not None
    assert shares[4, 3] == pytest.approx(float(record.first_divergence.share), rel=1e-3)
    assert (shares[5:] <= 1).all()  # what flows backwards isn't wrong before the step that is


def test_a_long_and_wide_map_is_the_worst_of_blocks() -> None:
    record = planted(LONG, "h", (69, 1, 39), 1e-3)
    (drawn,) = [one for one in record.maps if one.quantity == "h"]
    assert (drawn.steps_a_cell, drawn.units_a_cell) == (3, 2)
    assert len(drawn.columns) <= MOST_CELLS
    assert len(drawn.columns[0]) <= MOST_CELLS
    assert drawn.first == (69 // 3, 39 // 2)
    assert float(drawn.columns[23][19]) > 1e6
    assert float(drawn.columns[22][19]) <= 1


def test_a_matrix_shows_its_first_elements_and_their_differences() -> None:
    record = planted(LONG, "dL/dW_hh", (2, 5), 0.5)  # found by both checks, shown once
    true = planting.judged(LONG, "torch-steps").finding("dL/dW_hh").comparison.expected[2, 5]
    (matrix,) = record.matrices
    assert (matrix.quantity, matrix.rows, matrix.columns, matrix.shape) == (
        "dL/dW_hh", "unit", "source", (40, 40),
    )  # fmt: skip
    assert len(matrix.got) == len(matrix.got[0]) == MOST_ELEMENTS
    assert float(matrix.difference[2][5]) == pytest.approx(0.5 - true, rel=1e-3)
    assert (float(matrix.got[2][5]), float(matrix.expected[2][5])) == pytest.approx((0.5, true), rel=1e-3)
    assert float(matrix.shares[2][5]) > 1 >= float(matrix.shares[2][4])


MAP = MapRecord(
    quantity="dL/dh",
    where="layer 0 forward",
    columns=[[0.5, 2.0, 5e4], [3e7, "inf", None], [0.0, 1.0, 1e11]],
    steps_a_cell=2,
    first=(1, 1),
)


def drawn(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(tag))  # noqa: S314 - made by this test


def drawn_texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in drawn(svg, "text")]


def test_a_map_is_labelled_and_tells_every_cell() -> None:
    svg = heat_map(MAP)
    texts = drawn_texts(svg)
    assert {"t, step", "unit", "0", "2", "4", "1"} <= set(texts)
    assert [text for text in texts if text in ("7", "∞", "11")] == ["7", "∞", "11"]
    told = [title.text for title in drawn(svg, "title")]
    assert len(told) == 9
    assert told[4] == "t = 2 … 3, unit 1: inf × allowed"
    assert told[5].endswith("not judged")
    assert "The first wrong one is t = 2 … 3, unit 1." in svg
    assert "style=" not in svg  # a page allows none but its own


def test_every_level_has_a_colour_and_a_meaning() -> None:
    from conformance.report.templates import template

    shares = [0.0, *(top * 2 for top in LEVELS), None]
    found = [level(share) for share in shares]
    assert found == [name for name, _ in LEGEND]
    assert [level(top) for top in LEVELS] == found[: len(LEVELS)]
    style = template("pictures.css")
    for name in found:
        assert f"rect.{name}" in style
        assert re.search(rf"--{name}: light-dark\(", style)
    for name, _ in CURVES:
        assert f".curve-{name} " in style


@pytest.mark.parametrize(
    ("got", "marks"),
    [
        ([3.0, 2.0, 1.0], {"0", "1", "2", "3"}),
        ([1e6, 1.0, 1e-3], {"0.001", "0.1", "10", "1000"}),
        ([0.0] * 3, {"0"}),
    ],
)
def test_curves_have_four_lines_and_a_scale_that_holds_them(got: list[float], marks: set[str]) -> None:
    svg = curves(NormsRecord(got=got, expected=got, from_output=got, from_next=[*got[:2], "nan"]))
    assert marks <= set(drawn_texts(svg))
    assert {"t, step", "‖dL/dh‖"} <= set(drawn_texts(svg))
    lines = [line.get("points") or "" for line in drawn(svg, "polyline")]
    assert [len(line.split()) for line in lines] == [3, 3, 3, 2]
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights == sorted(heights)  # down on the page where values fall
    assert all(0 <= height <= 220 for height in heights)


def test_a_strip_has_a_sign_for_every_step_in_plain_letters_too() -> None:
    assert strip_lines([], plain=True) == []
    fancy, plain = (strip_lines([MAP], plain=plain)[0] for plain in (False, True))
    assert fancy == "dL/dh  ▅██  t = 0 … 5, first wrong at 2"
    assert plain == "dL/dh  +##  t = 0 … 5, first wrong at 2"
    assert plain.isascii() is False  # the ellipsis, which every encoding replaces
