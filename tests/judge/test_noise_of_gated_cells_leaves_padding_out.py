"""Black boxes of LSTM and GRU on sequences of several lengths are judged by noise that knows where each one ends."""

import pytest

from conformance import examine, load_subject, parse_id


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_sequences_of_several_lengths_agree_as_results_alone(cell: str) -> None:
    record = examine(parse_id(f"{cell}-T7-len3.7.5-B3-I4-H5-f64-s0"), load_subject("torch-results"))
    assert record.verdict == "agrees", record.reason
    assert "noise" in {q.scale for q in record.quantities}
