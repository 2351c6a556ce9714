"""Where no way of calling is found, the answer names what was asked for, what it wants, and what is left to say."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import conformance
from conformance.cli import cli
from conformance.errors import UsageError
from conformance.hand_written.calling.handwritten import statements_of

NETWORK = """
import numpy as np

class Speller:
    def __init__(self, vocabulary, squash, hidden_size=100):
        self.words = vocabulary
        self.squash = squash
        self.Wxh = np.random.randn(hidden_size, len(vocabulary[0]["vector"]))
        self.Whh = np.random.randn(hidden_size, hidden_size)

    def forward(self, words, hprev):
        self.hs = {-1: hprev}
        for t, word in enumerate(words):
            x = self.words[word]["vector"]
            self.hs[t] = self.squash.f(self.Wxh @ x + self.Whh @ self.hs[t - 1])
        return self.hs

    def backward(self, dhs):
        return None
"""

HARD_SIZED = """
import numpy as np

class Fixed:
    def __init__(self):
        self.Wxh, self.Whh = np.random.randn(9, 3), np.random.randn(9, 9)
        self.Why = np.random.randn(2, 9)

    def forward(self, x):
        return self.Why @ np.tanh(self.Wxh @ x.missing + self.Whh @ x.missing)
"""


@pytest.fixture
def speller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "speller.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("speller")
def test_what_was_asked_for_comes_first_and_what_it_wants() -> None:
    record = conformance.check("speller.py:Speller").record
    assert record.verdict == "not-called"
    begins = "speller.py:Speller: no way of calling it was found. Speller(vocabulary, squash, …): "
    assert record.headline.startswith(begins)
    assert "`vocabulary` is indexed like an array" in record.headline
    assert "`squash` has methods of it called" in record.headline
    assert "No call of Speller was found in speller.py." in record.headline


def test_a_call_of_it_next_door_is_shown(speller: Path) -> None:
    (speller / "train.py").write_text(
        "from speller import Speller\nnet = Speller(read(), Tanh(), 50)\nnet.fit()\n"
    )
    assert (
        "train.py:2 calls Speller(read(), Tanh(), 50)."
        in conformance.check("speller.py:Speller").record.headline
    )


@pytest.mark.usefixtures("speller")
def test_a_statement_is_printed_with_what_is_known_and_its_gaps() -> None:
    text = str(conformance.check("speller.py:Speller"))
    assert "how to state it: network = handwritten(" in text
    for line in (
        "model = code.Speller(vocabulary=..., squash=...)  # TODO",
        "model.Whh[...] = ...  # TODO",
        "result = model.forward(words=p.x, hprev=p.h_0)",
        "grads = model.backward(dhs=p.d_y)",
    ):
        assert line in text
    assert "what was tried, with arguments of our own" in text


@pytest.mark.usefixtures("speller")
def test_init_writes_it_and_asks_for_the_gaps_where_it_is_checked() -> None:
    made = CliRunner().invoke(cli, ["init", "speller.py:Speller"])
    assert made.exit_code == 5
    assert "has a gap, `...`" in conformance.check("speller_adapter.py:network").record.headline


def test_it_is_on_a_case_that_the_sizes_of_the_network_allow(tmp_path: Path) -> None:
    (tmp_path / "fixed.py").write_text(HARD_SIZED)
    adapter = conformance.check(f"{tmp_path / 'fixed.py'}:Fixed").record.interface.adapter
    assert "-I3-H9-O2-" in adapter
    assert "model.Wxh[...] = p.W_ih  # (9, 3)" in adapter


@pytest.mark.parametrize("text", ["x = f(...)", "a[0] = ...", "f(a=...)"])
def test_a_gap_is_none_of_pythons_ellipses(text: str) -> None:
    with pytest.raises(UsageError, match="has a gap"):
        statements_of(f"y = a[..., 0]\nb[...] = y[:, ..., 1]\n{text}")
