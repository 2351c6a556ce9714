"""What arrays of a cell with gates may hold, by their shapes: blocks of gates side by side, of x, of h, and biases.

Every array is read as a matrix (G·H, F) of G gates, whose columns go with x, with h, with a bias, or with several of
these. Which gate is which isn't known here.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.slots import Sizes, Slot

MOST_GATES = 4
GATES = (3, 4)
"""Of a GRU and of an LSTM."""

COLUMNS = (
    ("x",),
    ("h",),
    ("x", "h"),
    ("h", "x"),
    ("x", "h", "b"),
    ("h", "x", "b"),
    ("b", "x", "h"),
    ("b", "h", "x"),
    ("x", "b"),
    ("b", "x"),
)
"""What the columns of a matrix may go with."""

WIDTHS = {"x": "p.I", "h": "p.H", "b": "1"}


class Unit(Struct, frozen=True):
    """One block: the number of its array, which of the gates there it is of, and what it goes with."""

    array: int
    gate: int
    of: str


class Part(Struct, frozen=True, kw_only=True):
    """One array as a matrix (G·H, F) of G gates, and how to get from one to the other.

    `laid` is the expression of the array from that of the matrix, `back` that of the matrix from that of the array.
    """

    item: Reached
    number: int
    gates: int
    columns: tuple[str, ...]
    laid: str
    back: str

    @property
    def turned(self) -> bool:
        """Whether gates lie side by side and not below each other."""
        return ".T" in self.laid or "swapaxes" in self.laid

    @property
    def is_joint(self) -> bool:
        """Whether x and h have their weights in one matrix."""
        return {"x", "h"} <= set(self.columns)

    @property
    def units(self) -> list[Unit]:
        """All of its blocks."""
        return [Unit(self.number, gate, of) for gate in range(self.gates) for of in self.columns]

    def slot(self, names: Mapping[Unit, str], inside: Mapping[str, float]) -> Slot:
        """Return the array as a slot, its blocks being those of `names`; −W_xz where a gate is the complement.

        Of what the code adds to a bias `inside` itself the array is handed that much less.
        """
        rows, read = [], {}
        for gate in range(self.gates):
            blocks, at = [], ""
            for of in self.columns:
                name = names[Unit(self.number, gate, of)]
                sign, role = ("-", name[1:]) if name.startswith("-") else ("", name)
                column = of == "b" and self.columns != ("b",)
                handed = f"(p.{role} - {inside[role]:g})" if role in inside else f"{sign}p.{role}"
                blocks.append(f"{handed}{'[:, None]' if column else ''}")
                end = f"{at} + {WIDTHS[of]}" if at else WIDTHS[of]
                columns = "" if len(self.columns) == 1 else f", {at or 0}" if column else f", {at}:{end}"
                read[role] = f"{sign}{self.back}{_slice(gate, self.gates, columns)}"
                at = end
            rows.append(blocks[0] if len(blocks) == 1 else f"np.hstack([{', '.join(blocks)}])")
        whole = rows[0] if self.gates == 1 else f"np.concatenate([{', '.join(rows)}])"
        return Slot(
            path=self.item.path,
            roles=tuple(read),
            fill=self.laid.format(whole),
            read=read,
            turned=self.turned,
            cost=0.0,
        )


def _slice(gate: int, gates: int, columns: str) -> str:
    """Return the index of one block of a matrix."""
    if gates == 1:
        return f"[:{columns}]" if columns else ""
    start = "" if gate == 0 else "p.H" if gate == 1 else f"{gate} * p.H"
    end = "" if gate == gates - 1 else "p.H" if gate == 0 else f"{gate + 1} * p.H"
    return f"[{start}:{end}{columns}]"


def readings(number: int, item: Reached, sizes: Sizes) -> list[Part]:
    """Return what an array may hold, by its shape."""
    found = []
    for (rows, width), laid, back in _matrices(item.value.shape):
        gates, rest = divmod(rows, sizes.H)
        if rest or not 1 <= gates <= MOST_GATES:
            continue
        lengths = {"x": sizes.I, "h": sizes.H, "b": 1}
        choices = [("b",)] if width == 0 else [c for c in COLUMNS if sum(lengths[of] for of in c) == width]
        found += [
            Part(item=item, number=number, gates=gates, columns=columns, laid=laid, back=back)
            for columns in choices
        ]
    return found


def _matrices(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Yield an array's shape as that of a matrix (rows, columns), and both expressions; a vector has no columns.

    One of a single column is both: a bias, or the weights of a single input.
    """
    if len(shape) == 1:
        yield (shape[0], 0), "{}", "{g}"
        return
    if len(shape) == 2 and 1 in shape:
        index = ("[:, None]", "[:, 0]") if shape[1] == 1 else ("[None]", "[0]")
        yield (max(shape), 0), "{}" + index[0], "{g}" + index[1]
    if len(shape) == 2:
        yield shape, "{}", "{g}"
        yield shape[::-1], "({}).T", "{g}.T"
    elif len(shape) == 3:
        gates, *ends = shape
        for (rows, width), turn in ((ends, ""), (ends[::-1], ".swapaxes(1, 2)")):
            laid, back = f".reshape({gates}, -1, {width}){turn}", f"{turn}.reshape(-1, {width})"
            yield (gates * rows, width), "({})" + laid, "{g}" + back


def may_have_gates(items: Sequence[Reached], sizes: Sizes) -> bool:
    """Tell whether arrays may hold the blocks of three gates or more for x, and as many for h."""
    held: Counter[str] = Counter()
    for number, item in enumerate(items):
        most = dict.fromkeys("xh", 0)
        for part in readings(number, item, sizes):
            most |= {of: max(most[of], part.gates * part.columns.count(of)) for of in most}
        held.update(most)
    return min(held["x"], held["h"]) >= min(GATES)


def of_one_gate(items: Sequence[Reached], hidden: int) -> list[Reached]:
    """Return arrays as if each held a single gate, where a length is that of three or four gates of `hidden` units.

    Sizes are guessed from these: of gates side by side no length is H.
    """
    several = [gates * hidden for gates in GATES]

    def cut(item: Reached) -> Reached:
        index = tuple(slice(hidden) if n in several else slice(None) for n in item.value.shape)
        return Reached(item.path, item.value[index])

    return [cut(item) for item in items]


def layouts(items: Sequence[Reached], sizes: Sizes) -> Iterator[tuple[Part, ...]]:
    """Yield what all arrays may hold together: all turned alike, with one order of x and h; likely ones first."""
    table = [readings(number, item, sizes) for number, item in enumerate(items)]
    if not all(table):
        return
    seen = set()
    for turned, order in itertools.product((False, True), (("h", "x"), ("x", "h"))):
        picked = tuple(min(row, key=lambda part: _strangeness(part, order, turned=turned)) for row in table)
        kind = tuple((part.laid, part.columns) for part in picked)
        if kind not in seen and _counts(picked) is not None:
            seen.add(kind)
            yield picked


def _strangeness(part: Part, order: tuple[str, ...], *, turned: bool) -> tuple[bool, ...]:
    """Rank what an array may hold: biases where its name says so and weights elsewhere, in the order and way asked."""
    weights = tuple(of for of in part.columns if of != "b")
    misnamed = bool(names.BIAS.fullmatch(part.item.name)) == bool(weights)
    return misnamed, part.is_joint and weights != order, len(weights) > 0 and part.turned != turned


def _counts(parts: Sequence[Part]) -> int | None:
    """Return of how many gates parts are, None where these aren't as many for x as for h."""
    counts = {of: sum(unit.of == of for part in parts for unit in part.units) for of in "xh"}
    return counts["x"] if counts["x"] == counts["h"] and counts["x"] in GATES else None
