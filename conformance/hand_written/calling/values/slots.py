"""What an array of a network may be: one parameter, or several side by side, in either orientation."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from conformance.hand_written.calling.hints.names import GRADIENT, STATE, weight_hint
from conformance.hand_written.calling.loading.load import SIZES
from conformance.hand_written.calling.running.reach import Reached

PART = re.compile(r"\[\d+:\d+\](\.reshape\(\(.*\)(, order='F')?\))?$")
"""The end of the path of what lies in a vector with other parameters."""

WORDS = SIZES["T"] * SIZES["B"]
"""How many words a table has."""

MOST_PICKED = 20_000
"""Meanings of all arrays together that are looked at."""

PREFERRED = ("W_ih", "W_hh", "W_hy", "b", "b_y")


class Sizes(Struct, frozen=True):
    """I, H and O (0 without a head)."""

    I: int
    H: int
    O: int


class Slot(Struct, frozen=True, kw_only=True):
    """One array of the code, and which parameters it holds.

    `fill` is the expression of its values from those of the problem; `read` gives for each parameter the expression of
    its part of an array {g} of the same shape, such as the array's gradient.
    """

    path: str
    roles: tuple[str, ...]
    fill: str
    read: dict[str, str]
    turned: bool  # transposed against torch
    cost: float

    @property
    def part(self) -> str:
        """The text that takes it out of a vector of all parameters, empty where it is an array of its own."""
        found = PART.search(self.path)
        return "" if found is None else found[0]

    @property
    def vector(self) -> str:
        """The expression of the vector of all parameters that it is a part of."""
        return self.path.removesuffix(self.part)

    @property
    def is_of_the_head(self) -> bool:
        """Whether it holds nothing but parameters of the head."""
        return set(self.roles) <= {"W_hy", "b_y"}


def but_weights(items: Iterable[Reached], slots: Sequence[Slot]) -> list[Reached]:
    """Leave out of what was reached the parameters, the vector that they are parts of, and the rows of their lists."""
    arrays = {path for slot in slots for path in (slot.path, slot.vector)}
    rows = tuple(slot.path[len("lists(") : -1] for slot in slots if slot.path.startswith("lists("))
    return [item for item in items if item.path not in arrays and not (rows and item.path.startswith(rows))]


def options(item: Reached, sizes: Sizes, layers: int = 1) -> list[Slot]:
    """Return what an array may be, by its shape."""
    shape = item.value.shape
    found: list[Slot] = []
    if len([n for n in shape if n != 1]) <= 1:
        found += _vectors(item, sizes, layers)
    if len(shape) == 2:
        found += _matrices(item, sizes, layers)
        found += _joined(item, sizes)
        found += _tables(item, sizes)
    return found


def _tables(item: Reached, sizes: Sizes) -> Iterator[Slot]:
    """Yield a table of what stands for words, filled with our inputs: each is looked up once."""
    for shape, turned in (((WORDS, sizes.I), ""), ((sizes.I, WORDS), ".T")):
        if item.value.shape == shape:
            read = f"{{g}}{turned}[: p.T * p.B].reshape(p.T, p.B, -1)"
            yield Slot(
                path=item.path,
                roles=("x",),
                fill=f"p.table{turned}",
                read={"x": read},
                turned=False,
                cost=0.5,
            )


def _vectors(item: Reached, sizes: Sizes, layers: int) -> Iterator[Slot]:
    shape = item.value.shape
    index = {1: "", 2: "[:, None]" if shape[-1] == 1 else "[None]"}.get(len(shape))
    if index is None:
        return
    hint, name = weight_hint(item.name), item.name
    roles = []
    if item.value.size == sizes.H:
        roles += ["b", "b_ih", "b_hh", "h_0", *(["b1", "b_ih1", "b_hh1"] if layers > 1 else [])]
    if item.value.size == sizes.O:
        roles.append("b_y")
    back = {1: "{g}", 2: "{g}[:, 0]" if shape[-1] == 1 else "{g}[0]"}[len(shape)]
    for role in roles:
        state = role == "h_0"
        looks = bool(STATE.fullmatch(name.strip("_"))) and not name.lower().startswith("b")
        cost = 0.0 if state == looks else 2.0
        if not state and hint in PREFERRED and role[:3] != hint[:3] and {role[:3], hint[:3]} == {"b", "b_y"}:
            cost += 1.0
        fill = f"p.h_0[0]{index}" if state else f"p.{role}{index}"
        yield Slot(path=item.path, roles=(role,), fill=fill, read={role: back}, turned=False, cost=cost)


def _matrices(item: Reached, sizes: Sizes, layers: int) -> Iterator[Slot]:
    I, H, O = sizes.I, sizes.H, sizes.O
    shapes = {"W_ih": (H, I), "W_hh": (H, H), "W_hy": (O, H)}
    if layers > 1:
        shapes |= {"W_ih1": (H, H), "W_hh1": (H, H)}
    hint = weight_hint(item.name)
    for role, (rows, columns) in shapes.items():
        cost = 0.0 if hint in (None, role.rstrip("1")) else 1.0
        if item.value.shape == (rows, columns):
            yield Slot(
                path=item.path, roles=(role,), fill=f"p.{role}", read={role: "{g}"}, turned=False, cost=cost
            )
        if item.value.shape == (columns, rows):
            yield Slot(
                path=item.path,
                roles=(role,),
                fill=f"p.{role}.T",
                read={role: "{g}.T"},
                turned=True,
                cost=cost,
            )


def _joined(item: Reached, sizes: Sizes) -> Iterator[Slot]:
    """Yield parameters side by side: [W_hh, W_ih] in either order, with or without the bias, and [W_hy, b_y]."""
    widths = {"W_ih": sizes.I, "W_hh": sizes.H, "b": 1, "W_hy": sizes.H, "b_y": 1}
    for turned in (False, True):
        rows, columns = item.value.shape[::-1] if turned else item.value.shape
        orders: list[tuple[str, ...]] = []
        if rows == sizes.H:
            orders += [("W_hh", "W_ih"), ("W_ih", "W_hh"), ("W_ih", "b"), ("b", "W_ih")]
            orders += [o for o in itertools.permutations(("W_ih", "W_hh", "b")) if o[1] != "b"]
        if rows == sizes.O:
            orders += [("W_hy", "b_y"), ("b_y", "W_hy")]
        for roles in orders:
            if columns == sum(widths[role] for role in roles):
                yield _side_by_side(item.path, roles, widths, turned=turned)


def _side_by_side(path: str, roles: tuple[str, ...], widths: dict[str, int], *, turned: bool) -> Slot:
    parts = [f"p.{role}[:, None]" if widths[role] == 1 and role[0] == "b" else f"p.{role}" for role in roles]
    fill = f"np.hstack([{', '.join(parts)}])" + (".T" if turned else "")
    read, at, whole = {}, "", "{g}.T" if turned else "{g}"
    start = 0
    symbols = {"W_ih": "p.I", "W_hh": "p.H", "W_hy": "p.H", "b": "1", "b_y": "1"}
    for role in roles:
        end = f"{at} + {symbols[role]}" if at else symbols[role]
        last = role == roles[-1]
        if role[0] == "b":
            read[role] = f"{whole}[:, {at or 0}]" if not last else f"{whole}[:, -1]"
        else:
            read[role] = f"{whole}[:, {at}:{'' if last else end}]"
        at, start = end, start + widths[role]
    return Slot(path=path, roles=roles, fill=fill, read=read, turned=turned, cost=0.5)


def guesses(items: Sequence[Reached], asked: Sizes) -> list[Sizes]:
    """Return the sizes that a set of arrays may have, those asked for first where they fit."""
    found = [asked] if _fits(items, asked) else []
    dims = sorted({n for item in items for n in item.value.shape if n > 1})
    matrices = [item.value.shape for item in items if item.value.ndim == 2 and item.value.size]
    squares = [a for a, b in matrices if a == b]
    for H in dict.fromkeys([*squares, *dims]):
        others = list(dict.fromkeys(b if a == H else a for a, b in matrices if H in (a, b) and a != b))
        others += [n - H - extra for n in others for extra in (0, 1) if n - H - extra >= 1]
        if H in squares:
            others += [H]
        for inputs in others:
            for outputs in [*others, 0]:
                sizes = Sizes(inputs, H, outputs)
                if sizes not in found and _fits(items, sizes):
                    found.append(sizes)
    return sorted(
        found,
        key=lambda sizes: (
            not fit_plainly(items, sizes),
            sizes.H not in (asked.H, *squares),
            _strangeness(sizes, asked),
        ),
    )


def fit_plainly(items: Sequence[Reached], sizes: Sizes) -> bool:
    """Tell whether a network of these sizes lies in the arrays, every matrix of which is one parameter."""
    shapes = [item.value.shape for item in items if item.value.ndim == 2 and 1 not in item.value.shape]
    pairs = ((sizes.H, sizes.I), (sizes.H, sizes.H), (sizes.O, sizes.H))
    return _fits(items, sizes, alone=True) and all(shape in pairs or shape[::-1] in pairs for shape in shapes)


def _strangeness(sizes: Sizes, asked: Sizes) -> tuple[bool, ...]:
    """Rank sizes: those asked for, then those of a vocabulary; without a head last."""
    return (
        sizes.H != asked.H,
        sizes.I not in (asked.I, asked.O),
        sizes.O == 0,
        sizes.O not in (asked.O, sizes.I),
    )


def _fits(items: Sequence[Reached], sizes: Sizes, *, alone: bool = False) -> bool:
    """Tell whether every parameter that a network of these sizes needs lies in an array, `alone` or beside others."""
    needed = ["W_ih", "W_hh", *(["W_hy"] if sizes.O else [])]
    holders = {role: [] for role in needed}
    for item in items:
        for slot in options(item, sizes):
            for role in slot.roles if len(slot.roles) == 1 or not alone else ():
                if role in holders:
                    holders[role].append((item.path, slot.roles))
    return _placed(needed, holders, {})


def _placed(
    needed: list[str],
    holders: dict[str, list[tuple[str, tuple[str, ...]]]],
    taken: dict[str, tuple[str, ...]],
) -> bool:
    """Tell whether the roles still needed can be placed beside those taken."""
    if not needed:
        return True
    role, rest = needed[0], needed[1:]
    if any(role in roles for roles in taken.values()):
        return _placed(rest, holders, taken)
    return any(
        path not in taken and _placed(rest, holders, {**taken, path: roles}) for path, roles in holders[role]
    )


def assignments(items: Sequence[Reached], sizes: Sizes, most: int, layers: int = 1) -> list[tuple[Slot, ...]]:
    """Return up to `most` ways to give every array a meaning, likely ones first."""
    table = [sorted(options(item, sizes, layers), key=lambda slot: slot.cost) for item in items]
    strict_first = sorted(table, key=len)  # where several arrays can be one thing alone, that shows at once
    if not all(table) or not table or next(_distinct(strict_first), None) is None:
        return []
    needed = {"W_ih", "W_hh"} | ({"W_hy"} if sizes.O else set())
    needed |= {"W_ih1", "W_hh1"} if layers > 1 else set()
    found = []
    for picked in itertools.islice(_distinct(table), MOST_PICKED):
        roles = [role for slot in picked for role in slot.roles]
        if not needed <= set(roles):
            continue
        if not all(_go_together(roles, end) for end in ("", "1")):
            continue
        found.append(picked)
    return sorted(found, key=_oddity)[:most]


def _go_together(roles: Sequence[str], end: str) -> bool:
    """Tell whether a layer has no bias, one, or b_ih and b_hh."""
    biases = sorted(role for role in roles if role in (f"b{end}", f"b_ih{end}", f"b_hh{end}"))
    return biases in ([], [f"b{end}"], [f"b_hh{end}", f"b_ih{end}"])


def _distinct(
    table: Sequence[Sequence[Slot]], taken: tuple[Slot, ...] = (), known: frozenset[str] = frozenset()
) -> Iterator[tuple[Slot, ...]]:
    """Yield the choices of one slot from every row under which no parameter, as those `known`, lies in two places."""
    if len(taken) == len(table):
        yield taken
        return
    for slot in table[len(taken)]:
        if known.isdisjoint(slot.roles):
            yield from _distinct(table, (*taken, slot), known.union(slot.roles))


IN_ORDER = (
    ("b_ih", "b_hh"),
    ("b_ih1", "b_hh1"),
    ("W_hh", "W_hh1"),
    ("b", "b1"),
    ("b_ih", "b_ih1"),
    ("b_hh", "b_hh1"),
)
"""Parameters of which the first one comes first, most often."""


def _oddity(picked: tuple[Slot, ...]) -> float:
    turns = {slot.turned for slot in picked if slot.roles[0][0] == "W"}
    at = {slot.roles[0]: n for n, slot in enumerate(picked)}
    swapped = sum(one in at and other in at and at[one] > at[other] for one, other in IN_ORDER)
    return sum(slot.cost for slot in picked) + 1.5 * (len(turns) - 1) + 0.2 * swapped


def looks_like_a_gradient(item: Reached) -> bool:
    """Tell whether an array's name reads like a gradient, a memory or a cache rather than a weight."""
    return bool(GRADIENT.match(item.name))
