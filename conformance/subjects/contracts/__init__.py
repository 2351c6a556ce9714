"""Contracts: what torch.nn.RNN refuses and what it silently takes, tried out, next to what refrnn does.

A refusal that a newer torch lifts, or a new one, shows as a row that doesn't hold, never as an exception.
"""

from collections.abc import Sequence

from conformance.subjects.contracts.contract import ByProcessor as ByProcessor
from conformance.subjects.contracts.contract import ByRelease as ByRelease
from conformance.subjects.contracts.contract import Contract as Contract
from conformance.subjects.contracts.contract import ContractRow as ContractRow
from conformance.subjects.contracts.contract import Refuses as Refuses
from conformance.subjects.contracts.contract import Takes as Takes
from conformance.subjects.contracts.contract import row_of
from conformance.subjects.contracts.kernels import KERNELS
from conformance.subjects.contracts.lengths import LENGTHS
from conformance.subjects.contracts.sizes_and_types import SIZES_AND_TYPES
from conformance.subjects.contracts.states import STATES
from conformance.subjects.contracts.transforms import TRANSFORMS
from conformance.subjects.contracts.weights import WEIGHTS

CONTRACTS: tuple[Contract, ...] = (
    *SIZES_AND_TYPES,
    *LENGTHS,
    *WEIGHTS,
    *STATES,
    *TRANSFORMS,
    *KERNELS,
)
"""Every contract, in the order in which they are told."""


def probe_contracts(contracts: Sequence[Contract] = CONTRACTS) -> list[ContractRow]:
    """Put torch and refrnn to every contract; the global random state stays as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        return [row_of(contract) for contract in contracts]


__all__ = [
    "CONTRACTS",
    "ByProcessor",
    "ByRelease",
    "Contract",
    "ContractRow",
    "Refuses",
    "Takes",
    "probe_contracts",
]
