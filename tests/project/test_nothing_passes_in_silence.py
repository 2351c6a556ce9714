"""Every way in which a check was seen to pass without checking is held by a test that fails if it comes back.

`HELD` is the table: what was seen, and the tests that hold it. The rest of this file reads the sources themselves, for
what must not stand in them; every rule is shown code that breaks it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HELD = {
    "the result of a comparison thrown away": [
        "test_nothing_passes_in_silence::test_no_source_breaks_a_rule"
    ],
    "NaN passing through error > tolerance": [
        "test_every_check_can_fail::test_one_wrong_element_of_any_quantity_differs",
        "test_nan_infinity_and_overflow_have_a_rule::test_with_finite_inputs_only_a_finite_value_agrees",
        "test_comparisons_can_fail::test_nan_and_infinity_never_agree",
    ],
    "equal_nan by default": [
        "test_nan_infinity_and_overflow_have_a_rule::test_with_nan_or_infinite_inputs_nan_meets_nan_and_infinity_the_same_infinity",
    ],
    "comparing means or norms only": [
        "test_planted_errors_are_found_where_they_are::test_every_single_element_of_a_small_network_is_watched",
    ],
    "a tolerance multiplied by array size": [
        "test_comparisons_are_judged_together_as_alone::test_company_changes_no_finding",
        "test_planted_errors_are_found_where_they_are::test_twice_the_bound_in_any_quantity_is_named",
    ],
    "normalising by the larger of both sides": [
        "test_every_check_can_fail::test_one_wrong_element_of_any_quantity_differs",
    ],
    "ones as cotangents, zero h_0, constant weights": [
        "test_vacuity_is_named::test_every_fault_that_such_a_case_is_blind_to_is_named",
        "test_vacuity_is_named::test_a_lack_is_told_where_it_is_so_and_nowhere_else",
    ],
    "a reference that shares its code with its test": [
        "test_import_directions::test_a_file_imports_only_what_it_may"
    ],
    "zip truncating the longer side": [
        "test_every_check_can_fail::test_a_wrong_shape_name_or_precision_differs_and_nothing_is_broadcast",
    ],
    "a missing output counted as a pass": [
        "test_every_check_can_fail::test_an_empty_observation_never_agrees",
        "test_every_check_can_fail::test_whatever_is_not_shown_is_said_to_be_missing",
    ],
    "broadcasting hiding a wrong shape": [
        "test_every_check_can_fail::test_broadcasting_never_happens_inside_the_judge_either",
    ],
    "exit code 0 after printing FAILED": [
        "test_runs_fail_only_on_what_is_new::test_a_baseline_excuses_what_it_has_and_nothing_more",
        "test_malformed_input_gets_an_answer::test_random_bytes_end_in_an_error_of_ours_or_a_right_answer",
    ],
    "a threshold that computes to 0, or to nothing": [
        "test_nan_infinity_and_overflow_have_a_rule::test_a_bound_that_is_nan_excuses_nothing",
        "test_nan_infinity_and_overflow_have_a_rule::test_an_infinite_bound_decides_nothing",
        "test_planted_errors_are_found_where_they_are::test_the_smallest_error_is_seen_where_the_bound_is_zero",
    ],
    "a skip that looks like a pass": [
        "test_pytest_runs_end_in_a_record::test_a_run_that_decided_nothing_is_no_success",
        "test_pytest_runs_end_in_a_record::test_a_test_that_never_calls_its_check_is_an_error_in_the_record",
    ],
    "a finite-difference check taken for proof of the forward pass": [
        "test_reference_is_proved_by_ball_arithmetic::test_a_wrong_network_is_seen",
        "test_faults_are_caught::test_the_smoke_suite_catches_the_fault_in_float64",
    ],
    "judging by ULP": ["test_nan_infinity_and_overflow_have_a_rule::test_minus_zero_is_zero"],
    "extended precision that is no wider": [
        "test_reference_is_proved_by_ball_arithmetic::test_balls_too_wide_to_prove_anything_would_be_noticed",
    ],
    "NaN in JSON": [
        "test_records_survive_the_trip::test_numbers_that_are_not_finite_are_strings_that_float_reads"
    ],
    "a property that crashes or loses its worker": [
        "test_pytest_runs_end_in_a_record::test_a_worker_that_dies_costs_its_own_case",
    ],
    "threads that change rounding": [
        "test_environment_is_recorded::test_one_thread_holds_whatever_the_variables_asked_for",
    ],
    "a step summary dropped whole": [
        "test_github_reads_a_run::test_the_summary_keeps_to_its_limit_and_counts_what_it_leaves_out",
        "test_github_reads_a_run::test_there_are_ten_annotations_at_most_and_the_last_counts_the_rest",
    ],
    "a JUnit failure told in an attribute only": [
        "test_reports_are_made_from_the_record_alone::test_junit_tells_in_the_body_what_its_attribute_tells",
    ],
    "a page that asks the network or trusts a name": [
        "test_reports_are_made_from_the_record_alone::test_the_page_asks_nothing_of_the_network",
        "test_reports_are_made_from_the_record_alone::test_hostile_texts_are_shown_as_texts",
    ],
}


@pytest.mark.parametrize("pitfall", HELD)
def test_every_pitfall_is_held_by_tests_that_are_there(pitfall):
    for name in HELD[pitfall]:
        file, _, test = name.partition("::")
        (path,) = (ROOT / "tests").rglob(f"{file}.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


# What must not stand in a source

COMPARISONS = {"array_equal", "allclose", "isclose", "array_equiv", "equal", "all", "any"}
DANGEROUS = {"eval", "exec", "compile", "__import__"}
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
RUNS_CODE = (
    "conformance/hand_written/by_example/",
    "conformance/hand_written/calling/",
    "conformance/hand_written/diagnosis/",
    "conformance/hand_written/mending/",
    "conformance/subjects/contracts/kernels.py",
)
"""Where the code that a user points at is run, or an example of torch's own pages: nothing of a record comes there."""


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def thrown_away(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield comparisons whose result nobody reads."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and name_of(node.value) in COMPARISONS
        ):
            yield node


def swallowed(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield handlers that do nothing with errors which a comparison raises."""
    caught = {"Exception", "BaseException", "ValueError", "TypeError", "AssertionError"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            names = (
                [n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)] if node.type else ["Exception"]
            )
            if caught & set(names):
                yield node


def lenient(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield comparisons with NaN equal to NaN, tolerances of NumPy's, and ULP as a judge."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {k.arg: k.value for k in node.keywords}
            nan = keywords.get("equal_nan")
            if isinstance(nan, ast.Constant) and nan.value is True:
                yield node
            if {"rtol", "atol"} & set(keywords) or name_of(node) in {
                "allclose",
                "isclose",
                "assert_array_max_ulp",
            }:
                yield node


def truncating(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield zips that may drop the end of the longer side."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            strict = next((k.value for k in node.keywords if k.arg == "strict"), None)
            if len(node.args) > 1 and not (isinstance(strict, ast.Constant) and strict.value is True):
                yield node


def dangerous(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what runs text as code, starts a shell, or reads objects back."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
            if any(name.partition(".")[0] in UNSAFE_MODULES for name in names):
                yield node
        if isinstance(node, ast.Call):
            shell = next((k.value for k in node.keywords if k.arg == "shell"), None)
            if isinstance(node.func, ast.Name) and node.func.id in DANGEROUS:
                yield node
            if name_of(node) in {"system", "popen"} or (isinstance(shell, ast.Constant) and shell.value):
                yield node


JUDGES = ("refrnn/", "conformance/judge/", "conformance/judge/relations/")
RULES = {
    thrown_away: ("", "np.array_equal(a, b)"),
    swallowed: (*JUDGES, "try:\n    f()\nexcept ValueError:\n    pass"),
    lenient: (*JUDGES, "ok = np.allclose(a, b)"),
    truncating: (*JUDGES, "for a, b in zip(x, y, strict=False): f(a, b)"),
    dangerous: ("conformance/", "refrnn/", "import pickle"),
}
"""For each rule where it holds, and last a line that breaks it."""


def sources() -> list[Path]:
    skipped = ("tests/gallery/subjects", "docs/")
    found = [
        p for top in ("refrnn", "conformance", "tests", "benchmarks") for p in (ROOT / top).rglob("*.py")
    ]
    return [p for p in found if not p.relative_to(ROOT).as_posix().startswith(skipped)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_source_breaks_a_rule(rule):
    *places, _ = RULES[rule]
    read = 0
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(tuple(places)) or (rule is dangerous and name.startswith(RUNS_CODE)):
            continue
        read += 1
        broken = [node.lineno for node in rule(ast.parse(path.read_text(encoding="utf-8")))]
        assert not broken, f"{name}, lines {broken}: {rule.__doc__}"
    assert read > 10


PLANTED = (
    *((rule, RULES[rule][-1]) for rule in RULES),
    (swallowed, "try:\n    f()\nexcept:\n    pass"),
    (lenient, "ok = np.array_equal(a, b, equal_nan=True)"),
    (lenient, "np.testing.assert_array_max_ulp(a, b)"),
    (truncating, "list(zip(a, b))"),
    *(
        (dangerous, code)
        for code in ("eval(text)", "os.system(text)", "subprocess.run(text, shell=True)", "exec(x)")
    ),
)


@pytest.mark.parametrize(("rule", "code"), PLANTED)
def test_each_rule_finds_what_breaks_it(rule, code):
    assert list(rule(ast.parse(code)))
