r"""`sgd`: one step of gradient descent, from parameters and gradients to new parameters.

    p' = p − η g̃        g̃ = g                                 without clipping
                        g̃ = min(max(g, −c), c)                 clip_value = c, for each element
                        g̃ = g · min(1, c / √(Σ g²))            clip_norm = c, over all parameters together

torch's `clip_grad_norm_` divides by √(Σ g²) + 1e-6 instead, so that its clipped gradients have slightly
less than the norm asked for; here the norm is exactly c, up to rounding.

References: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
networks", ICML 2013 (clipping by norm);
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from collections.abc import Mapping

import numpy as np

from refrnn import _checks, _parameters
from refrnn._types import Array


def sgd(
    parameters: Mapping[str, Array],
    gradients: Mapping[str, Array],
    learning_rate: float,
    *,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Mapping[str, Array]:
    """Return new parameters, one step of gradient descent further; nothing given is changed.

    Parameters
    ----------
    parameters, gradients
        Arrays under the same names, of the same shapes and dtypes.
    learning_rate
        Finite and above 0.
    clip_value
        Cut every element of every gradient to ±clip_value first.
    clip_norm
        Shorten all gradients by one common factor first, so that their joint Euclidean norm is at most this.

    Returns
    -------
    A read-only mapping of read-only arrays, as `load_state_dict` takes it.

    Raises
    ------
    TypeError, ValueError
        If something isn't what is described here, names, shapes or dtypes differ, a gradient is NaN or infinite, a
        number isn't above 0, or both kinds of clipping are asked for.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"weight": np.array([1.0, 2.0])}
    >>> sgd(w, {"weight": np.array([30.0, 40.0])}, learning_rate=0.5, clip_norm=5)["weight"]
    array([-0.5,  0. ])
    """
    rate = _checks.positive("learning_rate", learning_rate)
    if clip_value is not None and clip_norm is not None:
        message = (
            f"clip_value and clip_norm exclude each other; got {clip_value!r} and {clip_norm!r}. "
            "Pass one of them."
        )
        raise ValueError(message)
    held = _held(parameters)
    found = _checked(held, gradients)
    if clip_value is not None:
        limit = _checks.positive("clip_value", clip_value)
        found = {name: np.clip(g, -limit, limit) for name, g in found.items()}
    if clip_norm is not None:
        found = _shortened(found, _checks.positive("clip_norm", clip_norm))
    return _parameters.Frozen({name: p - rate * found[name] for name, p in held.items()})


def _shortened(gradients: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """Return the gradients, all multiplied by one factor where their joint norm is above `limit`."""
    largest = max((np.max(np.abs(g)) for g in gradients.values()), default=0)
    if largest == 0:
        return dict(gradients)
    # Relative to the largest element: squares of exploding gradients would overflow.
    relative = {name: g / g.dtype.type(largest) for name, g in gradients.items()}
    norm = np.sqrt(sum(np.sum(g * g) for g in relative.values()))  # from 1 to √n, in the gradients' dtype
    if largest <= limit / norm:
        return dict(gradients)
    return {name: g * g.dtype.type(limit / norm) for name, g in relative.items()}


def _held(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parameters as arrays, refusing what has no precision to train in."""
    _checks.instance("parameters", parameters, Mapping, "Pass a mapping of names to arrays.")
    held: dict[str, Array] = {}
    for name, value in parameters.items():
        given = _checks.natural(f"The parameter {name}", value, "an array")
        dtype = _checks.float_dtype(f"The dtype of the parameter {name}", given.dtype)
        held[name] = given.astype(dtype, copy=False)
    return held


def _checked(parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients in the parameters' order, refusing what doesn't fit or isn't finite."""
    _checks.instance("gradients", gradients, Mapping, "Pass a mapping of names to arrays.")
    if set(gradients) != set(parameters):
        message = (
            f"gradients must be given for exactly the parameters {', '.join(map(str, parameters))}; got "
            f"{', '.join(map(str, gradients)) or 'none'}. Leave parameters that aren't trained out of both."
        )
        raise ValueError(message)
    found: dict[str, Array] = {}
    for name, p in parameters.items():
        g = _checks.array(f"The gradient of {name}", gradients[name], p.dtype, p.shape, owner="the parameter")
        found[name] = g
        wrong = np.argwhere(~np.isfinite(g))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            message = (
                f"The gradient of {name} must be finite; got {g[place]} at index {place}. Lower the learning "
                "rate, clip in earlier steps, or look for the overflow in the data."
            )
            raise ValueError(message)
    return found
