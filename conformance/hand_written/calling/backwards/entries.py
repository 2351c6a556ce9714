"""The ways in which the loss may enter a backward pass: as dL/dy, as targets, as ids; at every step or the last."""

import re
from collections.abc import Sequence

from msgspec import Struct

from conformance.hand_written.calling.forwards.passes import LOSS, Forward
from conformance.hand_written.calling.hints.sites import text_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.values.forms import Form
from conformance.hand_written.calling.values.matching import Match

BINARY = "binary cross-entropy"
"""−Σ t·log p + (1 − t)·log(1 − p) on p = sigmoid(y): dL/dy = p − t."""

SQUARED = "squared error of sigmoid(y)"
"""½·Σ (p − t)² on p = sigmoid(y): dL/dy = (p − t)·p·(1 − p)."""

LOGISTIC = (BINARY, SQUARED)
"""Losses of sigmoid(y) that are asked for by targets which make dL/dy what it shall be."""

OWN_LOSS = "its own loss"
"""A loss that one call gives together with its gradients: nothing is handed in but the targets it was called with."""

SOFT_TARGETS = "p.prob - "
"""What targets are made of where a backward pass makes softmax(y) of outputs that are y."""

LOGIT_TARGETS = "p.odds - "
"""What targets are made of where a backward pass makes sigmoid(y) of outputs that are y."""

SLOPED = ("p.d_y / (y * (1 - y))", "p.d_y / (p.odds * (1 - p.odds))")
"""How far targets lie from sigmoid(y) where its squared error is asked for: outputs that are it, or that are y."""


BEYOND = {"sigmoid(y)": SLOPED[0], "tanh(y)": "p.d_y / (1 - y * y)"}
"""What a backward pass is handed that begins beyond the function of y which its forward pass returns."""


class Entry(Struct, frozen=True, kw_only=True):
    """One way for the loss to enter: its kind, whether it sees the last step alone, and the arguments that say so."""

    kind: str
    last: bool
    crossed: bool
    texts: tuple[str, ...]
    spares_the_head: bool = False  # whether it enters below the head, which then has no gradient
    exponential: bool = False  # whether the backward pass makes probabilities of outputs that are none
    targets: str = ""  # what a forward pass is handed in the place of targets of y

    def stands_in(self, arguments: str) -> bool:
        """Tell whether a forward pass was handed this way's targets among its arguments already."""
        if self.crossed:
            return "p.targets" in arguments
        return self.kind in ("targets", "soft targets", *LOGISTIC) and "- p.d_y" in arguments

    def with_its_targets(self, arguments: str) -> str:
        """Return the arguments of a forward pass that is handed targets of outputs y, with this way's in their place.

        >>> soft = Entry(kind="soft targets", last=False, crossed=False, texts=("",), targets="(p.prob - p.d_y)")
        >>> soft.with_its_targets("x, (p.y - p.d_y)[:, 0].T, p.h_0")
        'x, (p.prob - p.d_y)[:, 0].T, p.h_0'
        """
        return arguments.replace("(p.y - p.d_y)", self.targets) if self.targets else arguments


ONE_HOT = "np.eye(p.O)[p.targets]"
"""Targets that are ids, as rows with a single 1."""

EXPONENTIALS = re.compile(r"exp|soft|sigm|logis|entropy|tanh\([^)]*(/ *2|0?\.5)", re.IGNORECASE)
"""What a source speaks of that makes probabilities."""


def entries(loaded: Loaded, forward: Forward) -> list[Entry]:
    """Return the ways in which the loss may enter, likely ones first; those alone that the source has the words for."""
    text = text_of(loaded)
    able = not text or EXPONENTIALS.search(text) is not None
    return [entry for entry in _entries(forward) if able or not entry.exponential]


def _entries(forward: Forward) -> list[Entry]:
    shown = forward.outputs
    if shown is None:
        return []
    if shown.quantity == LOSS:
        return [Entry(kind=OWN_LOSS, last=False, crossed=False, texts=("",))]
    d = "p.d_y" if forward.sizes.O else "p.d_h"
    found = []
    for last in (True,) if shown.last else (False, True):
        forms = _forms(forward, shown, last=last)
        if forward.sizes.O:
            soft = shown.quantity == "softmax(y)"
            kind = BINARY if shown.quantity == "sigmoid(y)" else "targets"
            own = "y" if shown.quantity in ("y", "softmax(y)", "sigmoid(y)") else "p.y"
            found.append(
                Entry(kind="dL/dy", last=last, crossed=False, texts=tuple(f.encode(d) for f in forms))
            )
            if shown.quantity in BEYOND:
                handed = tuple(f.encode(f"({BEYOND[shown.quantity]})") for f in forms)
                found.append(Entry(kind="dL/dy", last=last, crossed=False, texts=handed))
            targets = tuple(f.encode(f"({own} - {d})") for f in forms)
            one_hot = tuple(f.encode(ONE_HOT) for f in forms)
            of_one_hot = Entry(
                kind="softmax cross-entropy",
                last=last,
                crossed=True,
                texts=one_hot,
                exponential=not soft,
                targets=ONE_HOT,
            )
            found += (
                [of_one_hot] if soft else []
            )  # its rows sum to 1, as a loss of softmax outputs takes them
            made = {"softmax(y)": f"({SOFT_TARGETS}{d})", "sigmoid(y)": f"({LOGIT_TARGETS}{d})"}
            handed = made.get(shown.quantity, "")
            found.append(Entry(kind=kind, last=last, crossed=False, texts=targets, targets=handed))
            if shown.quantity == "sigmoid(y)":
                sloped = tuple(f.encode(f"(y - {SLOPED[0]})") for f in forms)
                handed = f"({LOGIT_TARGETS}{SLOPED[1]})"
                found.append(Entry(kind=SQUARED, last=last, crossed=False, texts=sloped, targets=handed))
            if not soft:
                found.append(_of_made_up(forms, "soft targets", f"({SOFT_TARGETS}{d})", last=last))
            if shown.quantity == "y" and not forward.is_own and not forward.fault:
                found.append(_of_made_up(forms, BINARY, f"({LOGIT_TARGETS}{d})", last=last))
                found.append(_of_made_up(forms, SQUARED, f"({LOGIT_TARGETS}{SLOPED[1]})", last=last))
            ids = _ids(forward, last=last)
            found.append(
                Entry(kind="softmax cross-entropy", last=last, crossed=True, texts=ids, exponential=not soft)
            )
            found += [] if soft else [of_one_hot]
            found += _below_the_head(forward, last=last)
        else:
            found.append(
                Entry(kind="dL/dh", last=last, crossed=False, texts=tuple(f.encode(d) for f in forms))
            )
            targets = tuple(f.encode(f"(y - {d})") for f in forms)
            found.append(Entry(kind="targets", last=last, crossed=False, texts=targets))
    return found


def _of_made_up(forms: Sequence[Form], kind: str, targets: str, *, last: bool) -> Entry:
    """Return a way by targets of probabilities that the backward pass makes of outputs y."""
    texts = tuple(form.encode(targets) for form in forms)
    return Entry(kind=kind, last=last, crossed=False, texts=texts, exponential=True, targets=targets)


def _below_the_head(forward: Forward, *, last: bool) -> list[Entry]:
    """Return dL/dh as the backward pass of a cell takes it, beside a head that lives in the forward pass alone."""
    states = forward.best("h")
    if states is None or states.last:
        return []
    texts = tuple(form.encode("p.d_h") for form in _forms(forward, states, last=last))
    return [Entry(kind="dL/dh", last=last, crossed=False, texts=texts, spares_the_head=True)]


def _ids(forward: Forward, *, last: bool) -> tuple[str, ...]:
    if last:
        return ("p.targets[-1]",) if forward.inputs.batched else ("int(p.targets[-1, 0])", "p.targets[-1]")
    if forward.inputs.batched:
        return ("p.targets.T", "p.targets")
    return ("p.targets[:, 0].tolist()", "p.targets[:, 0]", "p.targets[:, 0, None]")


def _forms(forward: Forward, shown: Match, *, last: bool) -> list[Form]:
    """Return the forms in which the loss's argument may come: that of the outputs, that of x, and plain ones."""
    found = []
    batched = forward.inputs.batched
    if shown.last == last and shown.form.first >= 0:
        found.append(shown.form)
    if last:
        if shown.form.container in ("list", "dict", "tuple", "array") and "T" in shown.form.axes:
            found.append(Form("array", shown.form.axes.replace("T", "")))
        plain = ("BN", "NB", "B1N") if batched else ("N1", "N", "1N")
        found += [Form("array", axes) for axes in plain]
        if forward.asked.width == 1:
            found += [Form("array", axes) for axes in (("B",) if batched else ("1", ""))]
    else:
        if forward.inputs.form is not None and forward.inputs.form.container != "nested":
            found.append(forward.inputs.form)
        plain = ("TBN", "BTN", "NBT", "TNB") if batched else ("TN", "TN1", "T1N", "NT")
        found += [Form("array", axes) for axes in plain]
        found += [Form("list", axes) for axes in (("TBN", "TNB") if batched else ("TN1", "TN", "T1N"))]
        found.append(Form("dict", "TN1" if not batched else "TNB"))
        if forward.asked.width == 1:
            found += [Form("array", axes) for axes in (("TB", "BT") if batched else ("T",))]
    return list(dict.fromkeys(found))
