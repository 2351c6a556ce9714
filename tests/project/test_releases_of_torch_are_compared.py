"""`make versions`: which releases are run, what is said of each, what is different between them, and the exit code."""

import doctest
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from msgspec import structs
from support.records import record_of, rich_record, saying, verdicts

ROOT = Path(__file__).parents[2]
MODULES = ("compared", "releases", "sections", "told", "trial")
HEAVY = ["torch", "sympy", "networkx"]


@pytest.fixture(scope="module")
def versions():
    """The modules of `make versions`, by name."""
    folders = [str(ROOT / "benchmarks" / "versions"), str(ROOT / "benchmarks")]
    sys.path[:0] = folders
    try:
        yield {name: __import__(name) for name in MODULES}
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for name in MODULES:
            sys.modules.pop(name, None)


def of_torch(version, record=None, **changes):
    """Return a record in which everything agrees, made with a release of torch."""
    plain = record or record_of([saying(case, "agrees") for case in rich_record().cases[:4]])
    here = structs.replace(plain.environments[0], torch=version)
    return structs.replace(plain, environments=[here], **changes)


def trial(versions, asked, *, reason="", **changes):
    record = None if reason else of_torch(f"{asked}+cpu", **changes)
    return versions["trial"].Trial(asked=asked, record=record, reason=reason)


def pages(versions, folder, trials, pin="2.13.0"):
    """Write the pages, and return their texts and the exit code."""
    compared, told = versions["compared"], versions["told"]
    held, steps = compared.with_pinned(trials, pin), compared.consecutive(trials)
    sections = list(
        told.sections(
            trials, command="make versions", bound="2.6.0", pin=pin, held=held, steps=steps, flags="avx2, fma"
        )
    )
    paths = versions["sections"].written(folder, "versions", sections)
    return [path.read_text(encoding="utf-8") for path in paths], compared.code(trials, held)


@pytest.mark.parametrize("name", ["releases", "trial"])
def test_what_their_examples_show_is_so(versions, name):
    failed, tried = doctest.testmod(versions[name])
    assert (failed, tried > 0) == (0, True)


def test_the_usual_releases_go_from_the_declared_bound_over_the_pinned_one_to_the_newest(versions):
    releases = versions["releases"]
    bound = releases.declared((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pin = releases.pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    usual = releases.chosen([], bound, pin)
    assert len(usual) >= 4
    assert usual[0] == bound
    assert pin in usual
    assert usual[-1] == releases.NEWEST
    assert usual[:-1] == sorted(usual[:-1], key=lambda text: [int(part) for part in text.split(".")])
    assert f"torch>={bound.removesuffix('.0')}" in project()["optional-dependencies"]["torch"]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_releases_can_be_named_and_the_pinned_one_is_always_among_them(versions):
    chosen = versions["releases"].chosen
    assert chosen(["newest", "2.10", "2.9.1", "2.9.1"], "2.6.0", "2.13.0") == [
        "2.9.1",
        "2.10.0",
        "2.13.0",
        "newest",
    ]


@pytest.mark.parametrize("text", ["", "2", "latest", "2.6.0; rm", "torch==2.6.0", "-r", "2.6.0rc1"])
def test_what_is_no_release_is_refused_in_a_sentence(versions, text):
    with pytest.raises(SystemExit, match=r"is no release of torch\. Write 2\.6\.0, or 'newest'"):
        versions["releases"].chosen([text], "2.6.0", "2.13.0")


def test_all_pins_stand_but_those_of_torch_and_what_it_alone_brings(versions):
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    kept, all_lines = versions["releases"].others(text).splitlines(), text.splitlines()
    left_out = [line.partition("==")[0] for line in all_lines if line not in kept]
    assert set(HEAVY) <= set(left_out) <= set(versions["releases"].BROUGHT)
    ours = {re.match(r"[\w-]+", one)[0].lower() for one in project()["dependencies"]}
    assert not ours & set(versions["releases"].BROUGHT)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "warning\nERROR: No matching torch==9 (from versions: 1.0, 2.0)\nERROR: Stop\n",
            "No matching torch==9; Stop",
        ),
        ("Traceback:\n  File x\nImportError: no libcudart\n\n", "ImportError: no libcudart"),
        ("", "it said nothing"),
    ],
)
def test_why_something_failed_is_told_in_its_last_words(versions, said, words):
    assert versions["trial"].last_words(said) == words


def test_releases_that_behave_alike_exit_with_0_and_the_pages_say_so(versions, tmp_path):
    trials = [trial(versions, "2.6.0"), trial(versions, "2.13.0")]
    texts, code = pages(versions, tmp_path, trials)
    assert code == 0
    for text in texts:
        for words in ("2.6.0+cpu", "2.13.0+cpu", "No regression", "avx2, fma", "Every comparison agrees"):
            assert words in text
        assert "All hold on every release." in text
    assert "| 2.6.0+cpu | torch | 2.6.0+cpu |" in texts[0]


def test_a_release_that_gave_no_record_is_a_row_with_the_reason_and_fails_the_run(versions, tmp_path):
    trials = [
        trial(versions, "2.6.0", reason="not installed: no <b>space</b> left"),
        trial(versions, "2.13.0"),
    ]
    (markdown, html), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].NO_RECORD
    assert "| 2.6.0: not installed: no &lt;b>space&lt;/b> left |" in markdown
    assert "no &lt;b&gt;space&lt;/b&gt; left" in html


def test_without_the_pinned_release_nothing_is_compared_with_it_and_that_is_said(versions, tmp_path):
    trials = [trial(versions, "2.6.0"), trial(versions, "2.13.0", reason="no record: killed")]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].NO_RECORD
    assert "The pinned release has no record, so that nothing is compared with it." in markdown


def test_nothing_but_failures_is_told_too(versions, tmp_path):
    trials = [trial(versions, name, reason="not installed: no network") for name in ("2.6.0", "2.13.0")]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].NO_RECORD
    assert "The smoke suite on 0 of 2 releases" in markdown


def test_a_contract_that_does_not_hold_is_listed_and_fails_the_run(versions, tmp_path):
    good, bad = rich_record().contracts
    held = structs.replace(bad, holds=True, observed="refused: RuntimeError: yes")
    trials = [
        trial(versions, "2.6.0", contracts=[good, bad]),
        trial(versions, "2.13.0", contracts=[good, held]),
    ]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].DISAGREES
    assert "1 of 2 hold" in markdown
    assert "2 of 2 hold" in markdown
    assert (
        "| 2.6.0+cpu | 2.13.0+cpu | steps-1 | refused: RuntimeError: no | refused: RuntimeError: yes |"
        in markdown
    )
    assert f"| 2.6.0+cpu | steps-1 | {bad.statement} |" in markdown


def test_a_contract_with_another_outcome_that_holds_is_told_and_fails_nothing(versions, tmp_path):
    good, _ = rich_record().contracts
    other = structs.replace(good, observed="taken: built")
    trials = [trial(versions, "2.6.0", contracts=[other]), trial(versions, "2.13.0", contracts=[good])]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == 0
    assert f"| 2.6.0+cpu | 2.13.0+cpu | steps-0 | taken: built | {good.observed} |" in markdown


@pytest.mark.parametrize("verdict", ["differs", "error"])
def test_a_case_that_got_worse_is_listed_and_fails_the_run(versions, tmp_path, verdict):
    right = [saying(case, "agrees") for case in rich_record().cases[:4]]
    wrong = [saying(right[0], verdict), *right[1:]]
    trials = [
        trial(versions, "2.6.0", record=record_of(wrong)),
        trial(versions, "2.13.0", record=record_of(right)),
    ]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].DISAGREES
    assert (
        f"| 2.6.0+cpu | 2.13.0+cpu | better | {wrong[0].subject} | {wrong[0].case} | {verdict} | agrees |"
        in markdown
    )
    assert f"| 2.6.0+cpu | {verdict} | {wrong[0].subject} | {wrong[0].case} |" in markdown
    assert "1 regression" in markdown


def test_a_run_that_was_interrupted_is_marked_and_fails_the_run(versions, tmp_path):
    trials = [trial(versions, "2.6.0", complete=False), trial(versions, "2.13.0")]
    (markdown, _), code = pages(versions, tmp_path, trials)
    assert code == versions["compared"].DISAGREES
    assert "2.6.0+cpu (interrupted, so not all cases)" in markdown


def test_numbers_are_compared_to_the_last_digit_for_subjects_of_torch_alone(versions):
    cases = [saying(case, "agrees") for case in rich_record().cases[:4]]
    torch = [case for case in cases if case.subject == "torch"]
    assert 0 < len(torch) < len(cases)
    share = next(q for q in torch[0].quantities if q.scale == "bound" and not q.relation)
    then = structs.replace(share, worst_share=0.25)
    now = structs.replace(share, worst_share=0.75)

    def other(case, quantity):
        kept = [quantity if q is share else q for q in torch[0].quantities]
        return structs.replace(case, quantities=kept) if case is torch[0] else case

    old = trial(versions, "2.6.0", record=record_of([other(case, then) for case in cases]))
    new = trial(versions, "2.13.0", record=record_of([other(case, now) for case in cases]))
    compared = versions["compared"].compared
    assert (compared(old, old).torch, compared(old, old).moved, compared(old, old).grown) == (
        len(torch),
        [],
        1,
    )
    (moved,) = compared(old, new).moved
    assert (moved.subject, moved.case) == ("torch", torch[0].case)
    assert moved.quantities == [moved.most] == [share.quantity]
    assert (moved.then, moved.now, compared(old, new).grown) == (0.25, 0.75, 3)


def test_a_table_that_is_too_long_is_cut_and_says_so(versions):
    told = versions["told"]
    section = told._listed("x", ("n",), [(str(n),) for n in range(1234)])
    assert len(section.rows) == told.MOST_SHOWN
    assert section.text == f"{1234 - told.MOST_SHOWN:,} more are not listed."
    assert told._listed("x", ("n",), [("1",)]).text == ""


def test_every_verdict_but_agreement_is_listed(versions, tmp_path):
    cases = verdicts()
    (markdown, _), _ = pages(versions, tmp_path, [trial(versions, "2.13.0", record=record_of(list(cases)))])
    for case in cases:
        assert (f"| 2.13.0+cpu | {case.verdict} | {case.subject} |" in markdown) is (case.verdict != "agrees")


def test_the_processor_is_told_by_the_flags_that_choose_kernels(versions, tmp_path):
    told = versions["told"]
    file = tmp_path / "cpuinfo"
    file.write_text("model name : x\nflags\t\t: fpu avx2 sse4_2 fma xsave avx512f\nflags\t\t: avx2\n")
    assert told.flags(file) == "avx2, avx512f, fma, sse4_2"
    assert told.flags(tmp_path / "nothing") == "not told by the system"


PIP = """\
import os, pathlib, sys
log = pathlib.Path(os.environ["FAKE_LOG"])
with log.open("a") as file:
    print(*sys.argv[1:], "PYTHONPATH" in os.environ, file=file)
    if "pip" in sys.argv:
        print(pathlib.Path(sys.argv[sys.argv.index("--constraint") + 1]).read_text(), file=file)
sys.exit("ERROR: no such release" if "torch==9.9.0" in sys.argv else 0)
"""


def test_a_release_is_installed_beside_the_pins_and_its_environment_is_removed(
    versions, tmp_path, monkeypatch
):
    """The environment's Python is a script that keeps what it is asked; a report is there as if it had made it."""
    tried, releases = versions["trial"], versions["releases"]

    def create(folder, **options):
        assert options == {"clear": True, "with_pip": True}
        python = Path(folder) / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!{sys.executable}\n{PIP}")
        python.chmod(0o755)

    monkeypatch.setattr(tried.venv, "create", create)
    monkeypatch.setenv("FAKE_LOG", str(log := tmp_path / "log"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    environment = tmp_path / "env"
    refused = tried.tried("9.9.0", environment, tmp_path / "records", 1)
    assert (refused.record, refused.reason) == (None, "not installed: no such release")
    silent = tried.tried(releases.NEWEST, environment, tmp_path / "records", 3)
    assert (silent.record, silent.reason, silent.label) == (None, "no record: it said nothing", "newest")
    assert not environment.exists()
    lines = log.read_text().splitlines()
    installing = [line for line in lines if line.startswith("-m pip install")]
    assert [line.split()[-2:] for line in installing] == [["torch==9.9.0", "False"], ["torch", "False"]]
    assert all("--editable" in line and "[report]" in line for line in installing)
    assert any(line.startswith("numpy==") for line in lines)
    assert not any(line.startswith("torch==") for line in lines)
    (running,) = [line for line in lines if line.startswith("-m conformance run")]
    assert "--suite smoke --jobs 3 --report" in running


def test_make_hands_the_releases_on_and_cleans_up():
    def made(*words):
        command = ["make", "--no-print-directory", "-n", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert made("versions", "VERSIONS=2.6.0 newest").rstrip().endswith("2.6.0 newest")
    assert ".venv-versions" in made("clean")
    assert "/.venv-versions/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
