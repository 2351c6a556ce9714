"""Random cases are reproducible, and a failing one shrinks to the smallest that fails alike."""

from conformance.cases import Case, parse_id, random_cases
from conformance.examination.shrink import shrunk, simpler


def test_random_cases_depend_on_the_seed_alone():
    few, many = list(random_cases(20, seed=3)), list(random_cases(40, seed=3))
    assert many[:20] == few
    assert list(random_cases(20, seed=4)) != few
    assert all(parse_id(case.id) == case for case in many)


def test_random_cases_reach_every_option():
    cases = list(random_cases(400, seed=1))
    for field in ("nonlinearity", "layers", "bidirectional", "bias", "layout", "h_0", "cotangents", "dtype"):
        assert len({getattr(case, field) for case in cases}) >= 2, field
    assert any(case.lengths for case in cases)
    assert len({case.regime for case in cases}) > 10


def test_a_failing_case_shrinks_to_what_the_failure_needs():
    def fails(case: Case) -> bool:
        return case.bidirectional and case.steps >= 3 and case.hidden_size >= 2

    start = parse_id("rnn-relu-L3-bi-T40-len40.7.12-B3-bf-I17-H33-f32-gain2-s9")
    assert shrunk(start, fails).id == "rnn-tanh-bi-T3-B1-I1-H2-f64-s0"


def test_simplifications_are_valid_and_never_larger():
    for case in random_cases(60, seed=5):
        for smaller in simpler(case):
            assert smaller != case
            assert smaller.steps <= case.steps
            assert smaller.batch <= case.batch


def test_random_cases_go_beyond_the_suites_within_a_cost_limit():
    cases = list(random_cases(3000, seed=2))
    largest = {
        name: max(getattr(case, name) for case in cases)
        for name in ("steps", "batch", "input_size", "hidden_size", "layers")
    }
    assert largest["steps"] > 2000
    assert min(largest[name] for name in ("batch", "input_size", "hidden_size")) > 300
    assert largest["layers"] == 6
    assert {case.cell for case in cases} == {"rnn", "lstm", "gru"}
    assert any(case.proj_size for case in cases)
    assert any(case.output_size for case in cases)
    for case in cases:
        assert case.steps * case.layers * case.directions * case.batch * case.hidden_size <= 200_000
