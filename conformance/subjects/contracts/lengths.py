"""Contracts on the lengths of samples, which torch takes by packing and refrnn as an argument."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from conformance.subjects.contracts.contract import Contract, Refuses, Takes
from conformance.subjects.contracts.networks import (
    B,
    H,
    I,
    T,
    apart,
    array,
    ours,
    packed,
    shape_of,
    tensor,
    theirs,
)


def _ours(lengths: Sequence[float], h_0_rows: int = B) -> str:
    return shape_of(ours()(array(T, B, I), array(1, h_0_rows, H), lengths=lengths))


def _packed(lengths: Sequence[float], *, in_any_order: bool = False) -> str:
    return f"{len(packed(lengths, in_any_order=in_any_order).data)} rows"


def _run(lengths: Sequence[float], h_0_rows: int, *, in_any_order: bool = False) -> str:
    _, h_n = theirs()(packed(lengths, in_any_order=in_any_order), tensor(1, h_0_rows, H))
    return f"h_n of {h_n.shape[1]} samples"


def _sample_dropped() -> str:
    _, h_n = theirs()(packed([5, 7], in_any_order=True))
    return f"{B - h_n.shape[1]} sample dropped"


def _rows_dropped() -> str:
    packing = packed([5, 7, 4], in_any_order=True)
    _, h_n = theirs()(packing, tensor(1, B + 2, H))
    return f"{B + 2 - h_n.shape[1]} rows of h_0 dropped"


def _fractions_cut() -> str:
    given, cut = packed([7, 5.9, 4.2]), packed([7, 5, 4])
    return "fractions cut off" if bool((given.batch_sizes == cut.batch_sizes).all()) else "fractions count"


def _too_long() -> str:
    packing = packed([9, 5, 4])
    missing = int(packing.batch_sizes.sum()) - len(packing.data)
    return f"{missing} rows missing" if missing else "nothing is missing"


def _in_sorted_order() -> str:
    """Pack by hand without indices, and see whose initial state the longest sample gets."""
    import torch
    from torch.nn.utils.rnn import PackedSequence

    packing, h_0, rnn = packed([5, 7, 4], in_any_order=True), tensor(1, B, H), theirs()
    by_hand = PackedSequence(packing.data, packing.batch_sizes)
    _, given = rnn(by_hand, h_0)
    _, wanted = rnn(packing, h_0[:, torch.argsort(packing.sorted_indices)])
    same = torch.equal(given, wanted[:, packing.sorted_indices])
    return "h_0 in sorted order" if same else "h_0 in the original order"


def _single() -> str:
    """Pack one unbatched sequence and return the rank of h_n."""
    from torch.nn.utils.rnn import pack_sequence

    _, h_n = theirs()(pack_sequence([tensor(T, I)]))
    return f"h_n of {h_n.ndim} axes"


def _unpacked() -> str:
    """Run a padded batch without packing it, and see what of the shorter sample is still right."""
    from torch.nn.utils.rnn import pad_packed_sequence

    lengths, rnn = [7, 5, 7], theirs(bidirectional=True)
    x = tensor(T, B, I)
    output, h_n = rnn(x)
    right, final = rnn(packed(lengths, in_any_order=True))
    right, _ = pad_packed_sequence(right)
    wrong = {
        "h_n": apart(h_n[0, 1], final[0, 1]),
        "reverse outputs": apart(output[:5, 1, H:], right[:5, 1, H:]),
        "forward outputs": apart(output[:5, 1, :H], right[:5, 1, :H]),
    }
    return f"wrong: {', '.join(name for name, is_wrong in wrong.items() if is_wrong)}"


LENGTHS = (
    Contract(
        id="lengths-zero",
        statement="A sample of no steps.",
        torch=partial(_packed, [7, 5, 0]),
        expected=Refuses("RuntimeError", "greater than 0"),
        refrnn=partial(_ours, [7, 5, 0]),
        answer=Refuses("ValueError", "lengths must lie between"),
    ),
    Contract(
        id="lengths-unsorted",
        statement="Lengths that aren't sorted, packed as if they were (enforce_sorted).",
        torch=partial(_packed, [5, 7, 4]),
        expected=Refuses("RuntimeError", "sorted"),
        refrnn=partial(_ours, [5, 7, 4]),
        answer=Takes("output (7, 3, 5)"),
    ),
    Contract(
        id="lengths-too-few-sorted",
        statement="Two sorted lengths for three samples.",
        torch=partial(_packed, [7, 5]),
        expected=Refuses("RuntimeError", "len(lengths)"),
        refrnn=partial(_ours, [7, 5]),
        answer=Refuses("ValueError", "lengths must have the shape"),
    ),
    Contract(
        id="lengths-too-few",
        statement="Two lengths for three samples, packed in any order.",
        torch=_sample_dropped,
        expected=Takes("1 sample dropped"),
        refrnn=partial(_ours, [5, 7]),
        answer=Refuses("ValueError", "lengths must have the shape"),
        wrong=True,
    ),
    Contract(
        id="lengths-too-many",
        statement="Four lengths for three samples.",
        torch=partial(_packed, [7, 5, 4, 3]),
        expected=Refuses("RuntimeError", "len(lengths)"),
        refrnn=partial(_ours, [7, 5, 4, 3]),
        answer=Refuses("ValueError", "lengths must have the shape"),
    ),
    Contract(
        id="lengths-fractional",
        statement="Lengths with fractions.",
        torch=_fractions_cut,
        expected=Takes("fractions cut off"),
        refrnn=partial(_ours, [7, 5.9, 4.2]),
        answer=Refuses("TypeError", "lengths must be whole numbers"),
        wrong=True,
    ),
    Contract(
        id="lengths-beyond-T-packed",
        statement="A length beyond T, packed.",
        torch=_too_long,
        expected=Takes("2 rows missing"),
        refrnn=partial(_ours, [9, 5, 4]),
        answer=Refuses("ValueError", "lengths must lie between"),
        wrong=True,
    ),
    Contract(
        id="lengths-beyond-T-run",
        statement="A length beyond T, packed and then run.",
        torch=partial(_run, [9, 5, 4], B),
        expected=Refuses("RuntimeError", "exceeds dimension size"),
        refrnn=partial(_ours, [9, 5, 4]),
        answer=Refuses("ValueError", "lengths must lie between"),
    ),
    Contract(
        id="packed-h_0-rows",
        statement="h_0 for five samples, with three packed in any order.",
        torch=_rows_dropped,
        expected=Takes("2 rows of h_0 dropped"),
        refrnn=partial(_ours, [5, 7, 4], B + 2),
        answer=Refuses("ValueError", "h_0 must have the shape"),
        wrong=True,
    ),
    Contract(
        id="packed-h_0-rows-sorted",
        statement="h_0 for five samples, with three packed in sorted order.",
        torch=partial(_run, [7, 5, 4], B + 2),
        expected=Refuses("RuntimeError", "hidden size"),
        refrnn=partial(_ours, [7, 5, 4], B + 2),
        answer=Refuses("ValueError", "h_0 must have the shape"),
    ),
    Contract(
        id="packed-single",
        statement="One unbatched sequence, packed.",
        torch=_single,
        expected=Takes("h_n of 3 axes"),
        refrnn="nothing is packed: one unbatched sample has a final state of 2 axes",
    ),
    Contract(
        id="padded-unpacked",
        statement="A padded batch, run without packing it.",
        torch=_unpacked,
        expected=Takes("wrong: h_n, reverse outputs"),
        refrnn="without lengths padding is data here as well; with them it is never read",
        wrong=True,
    ),
    Contract(
        id="packed-by-hand",
        statement="A PackedSequence built by hand without indices.",
        torch=_in_sorted_order,
        expected=Takes("h_0 in sorted order"),
        refrnn="lengths are an argument: nothing is packed, and h_0 is always in the order of the samples",
    ),
)
