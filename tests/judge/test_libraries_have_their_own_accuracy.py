"""What is premised of a library's tanh is what was measured of it, and a processor that flushes is recognised."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import examine, load_subject, parse_id
from conformance.cases import FORMATS, materialise
from conformance.judge import TANH, local_check, measured_tanh, units_of_tanh
from conformance.judge.functions import USUAL
from conformance.subjects import LIBRARIES, MODULES, library_of

SATURATED = parse_id("rnn-tanh-T5-B3-I4-H16-f64-saturated-s0")
LONG = parse_id("rnn-tanh-T200-B2-I4-H16-noh0-dhn-f32-s0")
TINY = parse_id("rnn-relu-L2-bi-T7-B3-I4-H5-f32-subnormal-s0")


class Off:
    """The reference, whose states are off by some units of roundoff where they are ±1."""

    name, description = "off", "for this test alone"

    def __init__(self, units, library):
        self.units, self.library = units, library

    def run(self, problem):
        shown = load_subject("reference").run(problem)
        hidden = shown.hidden[0, 0] * (1 - self.units * 2.0**-53 * (np.abs(shown.hidden[0, 0]) == 1))
        return replace(
            shown, hidden={(0, 0): hidden}, output=hidden, h_n=hidden[-1:], d_hidden={}, d_pre={},
            step_parameters={}, parameters={}, d_x=None, d_h_0=None,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("units", "library", "verdict"),
    [(4, "numpy", "agrees"), (8, "numpy", "differs"), (8, "jax", "agrees"), (18, "jax", "differs"),
     (8, "", "agrees"), (8, "of my own", "agrees"), (18, "", "differs")],
)  # fmt: skip
def test_a_state_may_be_off_by_what_its_library_is(units, library, verdict):
    """Both sides may be off, so that units count twice."""
    record = examine(SATURATED, Off(units, library))
    local = next(q for q in record.quantities if q.quantity == "h")
    assert local.verdict == verdict
    assert record.library == library


def test_every_library_is_allowed_what_was_measured_and_no_unit_more_than_needed():
    for library, measured in TANH.items():
        for dtype, error in (("f32", measured.f32), ("f64", measured.f64)):
            assert error <= units_of_tanh(library, FORMATS[dtype]) <= max(USUAL, error + 1)
    assert units_of_tanh("torch", FORMATS["f64"]) == units_of_tanh("numpy", FORMATS["f32"]) == USUAL
    for dtype in ("f32", "f64"):
        assert units_of_tanh("", FORMATS[dtype]) == max(units_of_tanh(name, FORMATS[dtype]) for name in TANH)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_measuring_finds_how_far_a_function_is_off(dtype):
    wider = dtype is np.float32 or np.finfo(np.longdouble).eps < np.finfo(dtype).eps  # not on every machine
    measured = measured_tanh(np.tanh, dtype, 20_000)
    assert measured < USUAL
    assert (measured > 0) == wider
    off = measured_tanh(lambda a: np.tanh(a) * dtype(1 + 8 * np.finfo(dtype).eps), dtype, 20_000)
    assert 14 < off < 19


def test_every_library_that_a_subject_names_is_known_and_every_subject_of_torch_is_torchs():
    assert set(LIBRARIES) <= set(MODULES)
    assert set(LIBRARIES.values()) <= set(TANH)
    assert library_of(load_subject("torch")) == "torch"
    assert library_of(load_subject("torch-cuda")) == ""
    assert library_of(Off(1, "jax")) == "jax"


class Flushing:
    """A subject on a processor that takes subnormals for 0 while it runs."""

    name, description, library = "flushing", "for this test alone", "torch"

    def __init__(self, subject, factor=1.0):
        self.subject, self.factor = load_subject(subject), factor

    def run(self, problem):
        import torch

        if not torch.set_flush_denormal(True):
            pytest.skip("this processor can't be told to flush subnormals")
        try:
            shown = self.subject.run(problem)
        finally:
            torch.set_flush_denormal(False)
        return replace(shown, d_x=shown.d_x * np.float32(self.factor))


@pytest.mark.parametrize("subject", ["torch", "torch-results"])
def test_flushed_subnormals_are_told_as_that_and_nothing_else_is_excused(subject):
    assert examine(LONG, load_subject(subject)).reason == ""
    record = examine(LONG, Flushing(subject))
    assert record.verdict == "agrees", record.reason
    assert record.reason == "Subnormal numbers are taken for 0, and allowed to be."
    assert examine(LONG, Flushing(subject, factor=1.001)).verdict == "differs"


def test_where_all_is_subnormal_flushing_leaves_nothing_to_decide():
    record = examine(TINY, Flushing("torch"))
    assert record.verdict == "undecidable"
    assert record.reason.startswith(
        "Subnormal numbers are taken for 0, and allowed to be. Rounding is no small part"
    )


def test_another_association_of_the_slope_is_within_its_bound():
    """(g + g h)(1 − h), as JAX has it, is off by up to 1.6 times what the other ways are."""
    problem = materialise(replace(parse_id("rnn-tanh-T50-B64-I4-H32-f32-s0"), cotangents="output"))
    shown = load_subject("reference").run(problem)
    h, g = shown.hidden[0, 0], shown.d_hidden[0, 0]
    for d_pre in ((g + g * h) * (1 - h), (g - g * h) * (1 + h)):
        findings = local_check(problem, replace(shown, d_pre={(0, 0): d_pre}))
        (found,) = (f for f in findings if f.comparison.quantity == "dL/da")
        assert found.verdict == "agrees"
        assert found.worst_share > 0.5
