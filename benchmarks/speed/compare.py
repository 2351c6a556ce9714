"""One process: refrnn against torch.nn.RNN, LSTM or GRU, or against per-sample code, over a grid; prints JSON.

PYTHONPATH=benchmarks python benchmarks/speed/compare.py --against torch --cell LSTM --seconds 60 [--tiny]
"""

import itertools
import json

import click
from machine import described, keep_freed_memory
from products import product_calls
from sides import column_side, reference_side, torch_module, torch_side, verify
from timing import interleaved
from workloads import BY_HAND, GRID, TINY, Problem, Workload

DTYPES = ("float32", "float64")


def measured(work: Workload, dtype: str, against: str, cell: str, seconds: float) -> dict[str, object]:
    """Build both sides with the same weights, compare them, and time them and the matrix products alone."""
    module, problem = torch_module(work, dtype, cell), Problem.drawn(work, dtype, cell)
    ours = reference_side(module, problem)
    theirs = (torch_side if against == "torch" else column_side)(module, problem)
    verify(ours, theirs, problem, work)
    sides = {"refrnn": ours, "other": theirs, "products": product_calls(module, problem)}
    return {"dtype": dtype, **work._asdict(), "remark": work.remark, **interleaved(sides, seconds)}


@click.command()
@click.option("--against", type=click.Choice(["torch", "columns"]), required=True)
@click.option("--cell", type=click.Choice(["RNN", "LSTM", "GRU"]), default="RNN", show_default=True)
@click.option("--seconds", type=float, required=True, help="Time to spend, shared by all rows.")
@click.option("--tiny", is_flag=True, help="A grid for a look at whether it runs.")
def main(*, against: str, cell: str, seconds: float, tiny: bool) -> None:
    """Time one grid and print what was measured."""
    memory = keep_freed_memory()
    grid = GRID if against == "torch" else BY_HAND
    works = [work for work in TINY if against == "torch" or not work.remark] if tiny else grid
    rows = [
        measured(work, dtype, against, cell, seconds / (2 * len(works)))
        for dtype, work in itertools.product(DTYPES, works)
    ]
    print(json.dumps({"environment": described() | {"memory": memory}, "rows": rows}))


if __name__ == "__main__":
    main()
