r"""`Convention`: parameters of an LSTM or GRU as other code lays them out, brought to torch's layout and back.

Most code written by hand has torch's cells under other names, and these come to signed permutations of rows:

    another order of gates           blocks of rows change places
    h_t = (1 − z) h_{t-1} + z n      z is 1 − z of torch's, σ(−a): the rows of z change their signs
    one bias a gate                  it is b_ih, and b_hh is 0

so that gradients go back by the same permutation, and the bias's gradient is that of b_ih. What is another recurrence,
a GRU with its reset before the product, is an argument of `GRU`.

    symbol        shape                 meaning
    weight_ih…    (blocks · H, I)       under torch's names, with the rows in their own order
    weight_hh…    (blocks · H, P)
    bias_ih…, bias_hh…, or bias…        (blocks · H,) two biases a gate, or one; none without
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from refrnn import _checks
from refrnn._types import Array

ORDERS = ("ifgo", "rzn")
"""torch's order of gates, of the LSTM and of the GRU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How other code lays out the parameters of an LSTM or GRU.

    Parameters
    ----------
    gates
        The order of the blocks of rows: the letters "ifgo" of an LSTM (torch's order; g is the candidate) or "rzn" of a
        GRU (n is the candidate) in any order.
    update
        What the update gate z of a GRU multiplies: the "old" state, as in torch, or the "new" candidate.

    Raises
    ------
    ValueError
        If `gates` isn't such an order, or `update` none of the two, or "new" in an LSTM.

    Examples
    --------
    A GRU with the gates z r n, one bias each, and h_t = (1 − z) h_{t-1} + z n:

    >>> import numpy as np
    >>> from refrnn import GRU
    >>> own = {"weight_ih_l0": np.ones((6, 3)), "weight_hh_l0": np.eye(6, 2), "bias_l0": np.arange(6.0)}
    >>> convention = Convention(gates="zrn", update="new")
    >>> gru = GRU(3, 2)
    >>> gru.load_state_dict(convention.to_torch(own))
    >>> gru.parameters["bias_ih_l0"]
    array([ 2.,  3., -0., -1.,  4.,  5.])
    >>> trace = gru.forward(np.ones((7, 5, 3)))
    >>> found = gru.backward(trace, np.ones((7, 5, 2))).parameters
    >>> list(convention.gradients(found, own))
    ['weight_ih_l0', 'weight_hh_l0', 'bias_l0']
    """

    gates: str
    update: Literal["old", "new"] = "old"

    def __post_init__(self) -> None:
        """Refuse what is no order of gates."""
        if not isinstance(self.gates, str) or sorted(self.gates) not in [sorted(order) for order in ORDERS]:  # pyright: ignore[reportUnnecessaryIsInstance]
            message = (
                f"gates must be the letters 'ifgo' or 'rzn' in some order; got {self.gates!r}. Name every block of "
                "rows once, from the first to the last."
            )
            raise ValueError(message)
        _checks.choice("update", self.update, ("old", "new"))
        if self.update == "new" and "z" not in self.gates:
            message = (
                f"update='new' is about the gate z of a GRU; got it with gates={self.gates!r}. Leave it out."
            )
            raise ValueError(message)

    def to_torch(self, parameters: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
        """Return parameters of this layout as a state dict that `load_state_dict` takes.

        Raises
        ------
        ValueError
            If the rows of one can't be cut into as many blocks as there are gates.
        """
        found: dict[str, Array] = {}
        for name, value in parameters.items():
            rows = _checks.natural(name, value, "an array")
            if _is_projection(name):
                found[name] = rows
            elif _is_one_bias(name):
                found[_renamed(name)] = self._arranged(name, rows, self.gates, self._torch)
                found[name.replace("bias", "bias_hh")] = np.zeros_like(rows)
            else:
                found[name] = self._arranged(name, rows, self.gates, self._torch)
        return found

    def gradients(self, found: Mapping[str, Array], names: Iterable[str]) -> dict[str, Array]:
        """Return the gradients of parameters of this layout by their `names`, from those of torch's parameters.

        Raises
        ------
        ValueError
            If one of the names has no counterpart in `found`.
        """
        own: dict[str, Array] = {}
        for name in names:
            source = _renamed(name) if _is_one_bias(name) else name
            if source not in found:
                message = (
                    f"names must be those of parameters of the network; got {name!r}, for which there is no gradient "
                    f"of {source!r}. Pass the names of the parameters that to_torch was given."
                )
                raise ValueError(message)
            rows = found[source]
            own[name] = (
                rows.copy() if _is_projection(name) else self._arranged(name, rows, self._torch, self.gates)
            )
        return own

    @property
    def _torch(self) -> str:
        """The order of these gates in torch."""
        return next(order for order in ORDERS if len(order) == len(self.gates))

    def _arranged(self, name: str, rows: Array, before: str, after: str) -> Array:
        """Return a copy of rows in another order of their blocks, those of z with other signs where z is 1 − z."""
        if rows.ndim == 0 or len(rows) % len(before):
            message = (
                f"{name} must have a block of rows for each of the {len(before)} gates {before!r}; got the shape "
                f"{rows.shape}. Stack the blocks below each other."
            )
            raise ValueError(message)
        blocks = dict(zip(before, np.split(rows, len(before)), strict=True))
        if self.update == "new":
            blocks["z"] = -blocks["z"]
        return np.concatenate([blocks[letter] for letter in after])


def _is_projection(name: str) -> bool:
    return name.startswith("weight_hr")


def _is_one_bias(name: str) -> bool:
    return name.startswith("bias") and not name.startswith(("bias_ih", "bias_hh"))


def _renamed(name: str) -> str:
    """Return the name of the b_ih that stands for one bias: `bias_ih_l0` for `bias_l0`."""
    return name.replace("bias", "bias_ih")
