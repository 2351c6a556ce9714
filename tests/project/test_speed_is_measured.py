"""`make bench` runs from one end to the other: tiny sizes, so that the figures say nothing but that they are there."""

import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
FILES = {"benchmarks.json", "benchmarks.md", "benchmarks-ratios.svg", "benchmarks-growth.svg"}


def positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


def test_the_benchmark_writes_its_page_its_plots_and_every_figure(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/speed"), "--tiny", "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, timeout=300)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    measured = json.loads((tmp_path / "benchmarks.json").read_text())
    parts = {part: measured[part] for part in ("one_thread", "default_threads", "by_hand")}
    assert set(measured["gated"]) == {"LSTM", "GRU"}
    for found in [*parts.values(), *measured["gated"].values()]:
        rows = found["rows"]
        assert {row["dtype"] for row in rows} == {"float32", "float64"}
        assert all(
            positive(value) for row in rows for way in ("forward", "both") for value in row[way].values()
        )
    assert {row["way"] for row in measured["growth"]} == {"plain", "segments", "torch"}
    assert all(positive(row["cpu_seconds"]) for row in measured["growth"])
    assert all(positive(row["subject"]) and positive(row["judging"]) for row in measured["engine"]["cases"])
    assert all(positive(row["seconds"]) for row in measured["startup"]["programs"])
    page = (tmp_path / "benchmarks.md").read_text()
    assert all(f"### torch.nn.{cell}" in page for cell in ("LSTM", "GRU"))
    for plot in ("benchmarks-ratios.svg", "benchmarks-growth.svg"):
        assert f"({plot})" in page
        assert ET.parse(tmp_path / plot).getroot().tag.endswith("svg")  # noqa: S314 - our own
