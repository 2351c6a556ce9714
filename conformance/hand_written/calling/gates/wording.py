"""In words: which cell a network is, and how its parameters lie."""

import re
from collections.abc import Sequence

from conformance.cases import Case
from conformance.hand_written.calling.gates.blocks import letters_of
from conformance.hand_written.calling.values.slots import Slot

NETWORKS = {"rnn": "torch.nn.RNN", "lstm": "torch.nn.LSTM", "gru": "torch.nn.GRU"}
BEFORE = (
    "the GRU with its reset gate before the product (refrnn.GRU(reset='before'); torch.nn.GRU has it after)"
)

ADDED = re.compile(r"\(p\.b_\w+ - (\S+)\)")
"""What a bias is handed less, since the code adds it."""


def network_of(case: Case) -> str:
    """Return the network that a case is about.

    >>> from conformance.cases import parse_id
    >>> network_of(parse_id("lstm-T7-B3-I4-H6-f64-s0"))
    'torch.nn.LSTM'
    """
    return NETWORKS[case.cell] if case.reset == "after" else BEFORE


def layout_of(case: Case, slots: Sequence[Slot]) -> str:
    """Return how the parameters of a cell with gates lie: gates f i o g, one bias, [h; x] in one matrix."""
    roles = [role for slot in slots for role in slot.roles]
    matrices = [slot for slot in slots if slot.roles[0].startswith(("W_x", "W_h")) or len(slot.roles) > 1]
    stacked = {_gates_of(slot.roles) for slot in matrices}
    whole = {gates for gates in stacked if len(gates) == len(letters_of(case))}
    found = [f"gates {' '.join(gates)}" for gates in sorted(whole)] or ["a matrix for each gate"]
    biases = sum(role.startswith("b_") and role != "b_y" for role in roles)
    per_gate = -(-biases // len(letters_of(case)))
    found.append({0: "no bias", 1: "one bias"}.get(per_gate, "two biases"))
    joint = {_order(slot.roles) for slot in matrices} - {""}
    found += [f"{order} in one matrix" for order in sorted(joint)]
    if any("-p." in slot.fill for slot in slots):
        found.append("z multiplies the new candidate")
    added = {number for slot in slots for number in ADDED.findall(slot.fill)}
    found += [f"{number} is added to the forget gate's bias" for number in sorted(added)]
    return ", ".join(found)


def _gates_of(roles: Sequence[str]) -> str:
    """Return the letters of the gates of some blocks, each once, in their order."""
    return "".join(dict.fromkeys(role[-1] for role in roles if role.startswith("W_")))


def _order(roles: Sequence[str]) -> str:
    """Return in which order one matrix holds x and h; empty where it holds one of them."""
    kinds = dict.fromkeys(role[2] for role in roles if role.startswith("W_"))
    return f"[{'; '.join(kinds)}]" if len(kinds) > 1 else ""
