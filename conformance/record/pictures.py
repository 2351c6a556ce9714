"""The numbers behind the pictures of what differs: small grids, whatever the size of the network."""

from conformance.record.body import Body, Number

Cell = Number | None
"""A number of a grid; None where nothing was judged."""


class MapRecord(Body):
    """How far a quantity is off at every step and unit: the greatest share of a batch, in a column for each step.

    Of long or wide networks a cell is the greatest of `steps_a_cell` steps and `units_a_cell` units. `first` is the
    cell, column and row, of the first element that is beyond its bound in the order of the data flow.
    """

    quantity: str
    where: str
    columns: list[list[Cell]]
    steps_a_cell: int = 1
    units_a_cell: int = 1
    first: tuple[int, int] | None = None


class MatrixRecord(Body):
    """A gradient that differs, its first rows and columns: what was got and expected, the difference, and its share.

    `rows` and `columns` are what its axes are; `shape` is that of the whole.
    """

    quantity: str
    where: str
    rows: str
    columns: str
    shape: tuple[int, int]
    got: list[list[Number]]
    expected: list[list[Number]]
    difference: list[list[Number]]
    shares: list[list[Cell]]


class NormsRecord(Body):
    """The size of dL/dh_t at every step, over the batch and all units (Euclidean): got, and what is right.

    What is right is split into what comes from the output and what step t + 1 passes back, each with a size of its own.
    """

    got: list[Number]
    expected: list[Number]
    from_output: list[Number]
    from_next: list[Number]


class ExcerptRecord(Body):
    """Some lines of a source from `first` on (from 1), around those that are told of."""

    file: str
    first: int
    lines: list[str]
