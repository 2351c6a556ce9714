"""Torch's tensors as NumPy arrays: what stands in for torch where code computes with them outside modules.

Importing torch takes seconds, and code that differentiates by hand has no use for autograd. A `Tensor` is an array with
torch's methods, all in double precision; what isn't here raises, so that nothing is computed otherwise than torch does.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np

from conformance.hand_written.calling.values import softmaxes
from refrnn import Array


class Found(NamedTuple):
    """What torch gives for extremes along a dimension."""

    values: Any
    indices: Any


class Count(int):
    """How many elements a tensor has, which torch's `size` gives the shape of when it is called."""

    shape: tuple[int, ...] = ()

    def __call__(self, dim: int | None = None) -> Any:
        """Return the shape, or the length of one dimension."""
        return self.shape if dim is None else self.shape[dim]


def tensor(values: Any, *_: Any, dtype: Any = None, **__: Any) -> "Tensor":
    """Return a tensor of values, floats in double precision."""
    found = np.asarray(values, dtype=None if dtype is None else _dtype(dtype))
    return (found.astype(float) if found.dtype.kind == "f" else found).view(Tensor)


def _dtype(dtype: Any) -> Any:
    return float if np.dtype(dtype).kind == "f" else dtype


def _axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _along(name: str) -> Callable[..., Any]:
    """Return a reduction of NumPy that takes torch's words as well."""
    plain = getattr(np, name)

    def reduced(a: Any, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:  # noqa: FBT001, FBT002 - torch's
        axis, kept = others.pop("axis", dim), others.pop("keepdims", keepdim)
        unbiased = others.pop("unbiased", True) if name in ("std", "var") and "ddof" not in others else False
        given = {key: each for key, each in others.items() if each is not None and key != "dtype"}
        if unbiased:
            given["ddof"] = 1
        return tensor(plain(np.asarray(a), axis=_axis(axis), keepdims=kept, **given))

    return reduced


def _extreme(name: str) -> Callable[..., Any]:
    """Return max or min: of all, of two tensors, or along a dimension with the places."""
    plain, places = getattr(np, name), getattr(np, f"arg{name}")

    def found(a: Any, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:  # noqa: FBT001, FBT002
        if isinstance(dim, np.ndarray):
            return tensor({"max": np.maximum, "min": np.minimum}[name](a, dim))
        if dim is None:
            axis, kept = others.get("axis"), bool(others.get("keepdims"))
            return tensor(plain(np.asarray(a), axis=axis, keepdims=kept))
        both = (each(np.asarray(a), axis=dim, keepdims=keepdim) for each in (plain, places))
        return Found(*map(tensor, both))

    return found


class Tensor(np.ndarray):
    """An array with torch's methods; what it lacks is looked for among the functions here, by name."""

    def __new__(cls, *of: Any) -> Self:
        """Return a tensor of numbers, or of a shape."""
        made = tensor(of[0], dtype=float) if isinstance(of[0], (list, np.ndarray)) else np.zeros(of)
        return made.view(cls)

    grad: Any = None
    requires_grad: bool = False
    device = "cpu"
    is_cuda = False

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and name[0] != "_" and name[:-1] in FUNCTIONS:
            return partial(self._in_place, FUNCTIONS[name[:-1]])
        if name in FUNCTIONS:
            return partial(FUNCTIONS[name], self)
        message = f"what stands in for torch's tensors has no {name}"
        raise AttributeError(message, obj=self, name=name)

    def _in_place(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:
        self[...] = function(self, *args, **kwargs)
        return self

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if isinstance(found, np.ndarray):
            return found
        return super().__getitem__((*(index if isinstance(index, tuple) else (index,)), ...))

    def __iter__(self) -> Iterator[Any]:
        return (self[n] for n in range(len(self)))

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return id(self)

    @property
    def size(self) -> Count:  # pyright: ignore[reportIncompatibleMethodOverride]
        """How many elements there are; called, the shape."""
        found = Count(np.asarray(self).size)
        found.shape = self.shape
        return found

    @property
    def data(self) -> "Tensor":  # pyright: ignore[reportIncompatibleVariableOverride]
        """The same numbers."""
        return self[...]

    @data.setter
    def data(self, values: Any) -> None:
        self[...] = values

    def view(self, *shape: Any) -> Any:
        """Return the same numbers in another shape, or as NumPy has it of another type."""
        whole = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return self.reshape(whole) if all(isinstance(n, int) for n in whole) else super().view(*shape)

    def transpose(self, *dims: Any) -> Any:
        """Return two dimensions swapped, as torch has it; all of them in an order, as NumPy has it."""
        swaps = len(dims) == len("ab") and all(isinstance(n, int) for n in dims)
        return self.swapaxes(*dims) if swaps else super().transpose(*dims)

    def squeeze(self, dim: Any = None, axis: Any = None) -> Any:
        """Return the tensor without dimensions of length one, or without the one that has it."""
        dim = axis if dim is None else dim
        return self if isinstance(dim, int) and self.shape[dim] != 1 else super().squeeze(dim)

    def repeat(self, *times: Any) -> Any:
        """Return copies beside each other."""
        return np.tile(np.asarray(self), times[0] if isinstance(times[0], tuple) else times).view(Tensor)

    def requires_grad_(self, requires_grad: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Take note that nothing is to be differentiated here."""
        self.requires_grad = requires_grad
        return self

    def backward(self, *_: Any, **__: Any) -> None:
        """Refuse to differentiate.

        Raises
        ------
        NotImplementedError
            Always: autograd's gradients are none by hand.
        """
        message = "autograd isn't here: gradients by it are not hand-written"
        raise NotImplementedError(message)

    sum, mean, prod, std, var = map(_along, ("sum", "mean", "prod", "std", "var"))
    argmax, argmin, all, any = map(_along, ("argmax", "argmin", "all", "any"))
    max, min = map(_extreme, ("max", "min"))


def _made(make: Callable[[tuple[int, ...]], Array]) -> Callable[..., Tensor]:
    """Return a function that makes a tensor of a shape, given as numbers, as a tuple or by name."""

    def made(*shape: Any, size: Any = None, dtype: Any = None, **_: Any) -> Tensor:
        shape = shape if size is None else tuple(size)
        whole = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return tensor(make(tuple(int(n) for n in whole)), dtype=dtype)

    return made


def _like(make: Callable[[tuple[int, ...]], Array]) -> Callable[..., Tensor]:
    return lambda a, **_: tensor(
        make(np.shape(a)), dtype=None if np.asarray(a).dtype.kind == "f" else np.asarray(a).dtype
    )


class WithoutGraph(contextlib.ContextDecorator):
    """A block, or a function, in which torch keeps no graph."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...


def _same(a: Any, *_: Any, **__: Any) -> Any:
    """Return what a device, a graph or a layout in memory makes no difference to."""
    return a


def _to(a: Any, *kinds: Any, dtype: Any = None, **_: Any) -> Any:
    dtype = next((kind for kind in kinds if isinstance(kind, (type, np.dtype))), dtype)
    return a if dtype is None else tensor(a, dtype=dtype)


def _put(a: Any, dim: int, index: Any, values: Any) -> Tensor:
    """Return a tensor with values put along a dimension."""
    found = np.array(a)
    np.put_along_axis(found, np.asarray(index), np.asarray(values), dim)
    return tensor(found)


def _one_hot(ids: Any, num_classes: int = -1) -> Tensor:
    return tensor(
        np.eye(num_classes if num_classes > 0 else int(np.max(ids)) + 1, dtype=int)[np.asarray(ids)]
    )


def _parts(a: Any, size: int, dim: int = 0) -> tuple[Any, ...]:
    """Return parts of a length along a dimension."""
    return tuple(np.split(a, range(size, a.shape[dim], size), axis=dim))


def _expanded(a: Any, *sizes: Any) -> Tensor:
    whole = sizes[0] if isinstance(sizes[0], tuple) else sizes
    front = len(whole) - a.ndim
    return np.broadcast_to(
        a, [a.shape[n - front] if size == -1 else size for n, size in enumerate(whole)]
    ).view(Tensor)


def _cross_entropy(y: Any, target: Any, reduction: str = "mean") -> Any:
    """Return softmax with cross-entropy of rows of outputs, on ids or rows of probabilities."""
    logarithms = softmaxes.log_softmax(np.asarray(y))
    rows = (
        target if np.asarray(target).dtype.kind == "f" else np.eye(logarithms.shape[-1])[np.asarray(target)]
    )
    return _reduced(-(logarithms * np.asarray(rows)).sum(-1), reduction)


def _reduced(losses: Any, reduction: str) -> Any:
    return tensor({"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](np.asarray(losses)))


def _joined(
    parts: Sequence[Any], dim: int = 0, axis: int | None = None, *, join: Callable[..., Any]
) -> Tensor:
    return tensor(join([np.asarray(part) for part in parts], axis=dim if axis is None else axis))


def _plus(product: Callable[[Array, Array], Array]) -> Callable[..., Any]:
    """Return what adds a product of two tensors to a third, each times a number."""

    def added(c: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1, value: float = 1) -> Tensor:
        return tensor(beta * np.asarray(c) + alpha * value * product(np.asarray(a), np.asarray(b)))

    return added


def _by_numpy(name: str) -> Callable[..., Any]:
    plain = getattr(np, name)
    return lambda *args, **kwargs: tensor(plain(*map(np.asarray, args), **kwargs))


NAMESAKES = [
    "tanh",
    "exp",
    "log",
    "log1p",
    "sqrt",
    "abs",
    "sign",
    "sin",
    "cos",
    "cosh",
    "sinh",
    "square",
    "reciprocal",
    "maximum",
    "minimum",
    "where",
    "outer",
    "dot",
    "matmul",
    "floor",
    "ceil",
    "isnan",
    "isfinite",
    "diag",
    "power",
    "arctanh",
    "heaviside",
    "triu",
    "tril",
    "trace",
    "logical_not",
    "logical_and",
    "equal",
    "greater",
    "less",
]
"""Functions of torch that NumPy has by the same name and with the same arguments, of arrays alone."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _by_numpy(name) for name in NAMESAKES},
    **{
        name: _along(name) for name in ("sum", "mean", "prod", "std", "var", "argmax", "argmin", "all", "any")
    },
    **{name: _extreme(name) for name in ("max", "min")},
    **dict.fromkeys(("mm", "bmm", "mv"), lambda a, b: tensor(np.asarray(a) @ np.asarray(b))),
    **dict.fromkeys(("pow",), _by_numpy("power")),
    **dict.fromkeys(("ger",), _by_numpy("outer")),
    **dict.fromkeys(("mul", "multiply"), _by_numpy("multiply")),
    **dict.fromkeys(("div", "divide", "true_divide"), _by_numpy("divide")),
    **dict.fromkeys(("neg", "negative"), _by_numpy("negative")),
    **dict.fromkeys(
        (
            "detach",
            "cpu",
            "cuda",
            "contiguous",
            "requires_grad_",
            "retain_grad",
            "as_tensor",
            "from_numpy",
            "Parameter",
        ),
        _same,
    ),
    "add": lambda a, b, alpha=1: tensor(np.asarray(a) + alpha * np.asarray(b)),
    "sub": lambda a, b, alpha=1: tensor(np.asarray(a) - alpha * np.asarray(b)),
    **dict.fromkeys(("addmm", "addmv", "baddbmm"), _plus(np.matmul)),
    "addr": _plus(np.outer),
    "addcmul": _plus(np.multiply),
    "addcdiv": _plus(np.divide),
    "lerp": lambda a, b, weight: tensor(np.asarray(a) + weight * (np.asarray(b) - np.asarray(a))),
    "linear": lambda x, W, b=0.0: tensor(np.asarray(x) @ np.asarray(W).T + np.asarray(b)),
    "einsum": lambda text, *parts: tensor(np.einsum(text, *map(np.asarray, parts))),
    "sigmoid": lambda a: tensor(softmaxes.sigmoid(a)),
    "relu": lambda a: tensor(np.maximum(np.asarray(a), 0)),
    "softmax": lambda a, dim, **_: tensor(softmaxes.softmax_along(np.asarray(a), axis=dim)),
    "log_softmax": lambda a, dim, **_: tensor(np.log(softmaxes.softmax_along(np.asarray(a), axis=dim))),
    "logsumexp": lambda a, dim, keepdim=False: tensor(
        softmaxes.logsumexp(np.asarray(a), axis=dim, keepdims=keepdim)
    ),
    "one_hot": _one_hot,
    "cross_entropy": _cross_entropy,
    "mse_loss": lambda y, target, reduction="mean": _reduced(
        (np.asarray(y) - np.asarray(target)) ** 2, reduction
    ),
    "clamp": lambda a, min=None, max=None: tensor(np.clip(a, min, max)),  # noqa: A006 - torch's names
    "norm": lambda a, **_: tensor(np.sqrt((np.asarray(a) ** 2).sum())),
    "unsqueeze": np.expand_dims,
    "squeeze": lambda a, *dim: tensor(a).squeeze(*dim),
    "permute": lambda a, *dims: np.asarray(a).transpose(*dims).view(Tensor),
    "transpose": lambda a, one, other: a.swapaxes(one, other),
    "t": lambda a: a.T,
    "reshape": lambda a, *shape: tensor(a).reshape(*shape),
    "flatten": lambda a: a.reshape(-1),
    "expand": _expanded,
    "expand_as": lambda a, other: _expanded(a, *other.shape),
    "flip": lambda a, *dims: tensor(np.flip(a, dims[0] if isinstance(dims[0], (tuple, list)) else dims)),
    "cat": partial(_joined, join=np.concatenate),
    "stack": partial(_joined, join=np.stack),
    "split": _parts,
    "chunk": lambda a, count, dim=0: _parts(a, -(-a.shape[dim] // count), dim),
    "unbind": lambda a, dim=0: tuple(np.moveaxis(a, dim, 0)),
    "gather": lambda a, dim, index: tensor(np.take_along_axis(np.asarray(a), np.asarray(index), dim)),
    "scatter": _put,
    "index_select": lambda a, dim, index: tensor(np.take(a, index, axis=dim)),
    "cumsum": lambda a, dim: tensor(np.cumsum(np.asarray(a), axis=dim)),
    "zeros_like": _like(np.zeros),
    "ones_like": _like(np.ones),
    "empty_like": _like(np.zeros),
    "randn_like": _like(lambda shape: np.random.randn(*shape)),
    "clone": lambda a: tensor(np.array(a)),
    "copy": lambda _, other: other,
    "fill": lambda _, value: value,
    "zero": lambda _: 0,
    "normal": lambda a, mean=0.0, std=1.0: np.random.normal(mean, std, np.shape(a)),
    "uniform": lambda a, low=0.0, high=1.0: np.random.uniform(low, high, np.shape(a)),
    "to": _to,
    "type": _to,
    "type_as": _same,
    "float": lambda a: tensor(a, dtype=float),
    "double": lambda a: tensor(a, dtype=float),
    "long": lambda a: tensor(a, dtype=int),
    "int": lambda a: tensor(a, dtype=int),
    "numpy": np.asarray,
    "dim": np.ndim,
    "numel": np.size,
    "new_zeros": lambda _, *shape: FUNCTIONS["zeros"](*shape),
    "zeros": _made(np.zeros),
    "ones": _made(np.ones),
    "empty": _made(np.zeros),
    "randn": _made(np.random.standard_normal),
    "rand": _made(np.random.random_sample),
    "full": lambda shape, value, **_: tensor(np.full(shape, value)),
    "eye": lambda *shape, **_: tensor(np.eye(*shape)),
    "arange": lambda *ends, **_: tensor(np.arange(*ends)),
    "linspace": lambda *ends, **_: tensor(np.linspace(*ends)),
    "tensor": tensor,
    "FloatTensor": partial(tensor, dtype=float),
    "LongTensor": partial(tensor, dtype=int),
    "allclose": np.allclose,
    "is_tensor": lambda a: isinstance(a, Tensor),
    "device": str,
    "manual_seed": _same,
    "is_available": lambda: False,
    **dict.fromkeys(("no_grad", "inference_mode", "enable_grad"), WithoutGraph),
}
"""What torch and its parts have, by name; as methods of a tensor with that as the first argument."""
