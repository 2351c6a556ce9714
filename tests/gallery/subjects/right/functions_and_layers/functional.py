"""Pure-function RNN: no state anywhere, parameters in, gradients out.

Shapes are time-major: xs is (T, B, I), hidden states (T, B, H), outputs (T, B, O).
"""
from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    w_i: np.ndarray   # (I, H)
    w_h: np.ndarray   # (H, H)
    b_i: np.ndarray   # (H,)
    b_h: np.ndarray   # (H,)
    w_o: np.ndarray   # (H, O)
    b_o: np.ndarray   # (O,)


def init(rng: np.random.Generator, num_in: int, num_hidden: int, num_out: int) -> Params:
    def glorot(a, b):
        return rng.normal(size=(a, b)) * np.sqrt(2.0 / (a + b))
    return Params(glorot(num_in, num_hidden), glorot(num_hidden, num_hidden),
                  np.zeros(num_hidden), np.zeros(num_hidden),
                  glorot(num_hidden, num_out), np.zeros(num_out))


def step(params: Params, h: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.tanh(x @ params.w_i + params.b_i + h @ params.w_h + params.b_h)


def forward(params: Params, xs: np.ndarray, h0: np.ndarray):
    """-> (ys, h_last), residuals"""
    hs = [h0]
    for x in xs:
        hs.append(step(params, hs[-1], x))
    hs = np.stack(hs)
    ys = hs[1:] @ params.w_o + params.b_o
    return (ys, hs[-1]), (xs, hs)


def backward(params: Params, residuals, dys: np.ndarray, dh_last: np.ndarray = None):
    """Vector-Jacobian product of `forward`.

    dys: cotangent of ys. dh_last: cotangent of h_last (None for zero).
    -> (dparams, dxs, dh0)
    """
    xs, hs = residuals
    T = xs.shape[0]
    dh = np.zeros_like(hs[0]) if dh_last is None else dh_last.copy()
    das = np.empty_like(hs[1:])
    for t in range(T - 1, -1, -1):
        dh = dh + dys[t] @ params.w_o.T
        das[t] = dh * (1.0 - hs[t + 1] ** 2)
        dh = das[t] @ params.w_h.T
    dw_i = np.einsum("tbi,tbh->ih", xs, das)
    dw_h = np.einsum("tbg,tbh->gh", hs[:-1], das)
    db = das.sum(axis=(0, 1))
    dw_o = np.einsum("tbh,tbo->ho", hs[1:], dys)
    db_o = dys.sum(axis=(0, 1))
    return Params(dw_i, dw_h, db, db.copy(), dw_o, db_o), das @ params.w_i.T, dh


def mse_value_and_grad(params, xs, targets):
    h0 = np.zeros((xs.shape[1], params.w_h.shape[0]))
    (ys, _), res = forward(params, xs, h0)
    diff = ys - targets
    grads, _, _ = backward(params, res, 2.0 * diff / diff.size)
    return np.mean(diff ** 2), grads


def sgd(params: Params, grads: Params, lr: float) -> Params:
    return Params(*(p - lr * g for p, g in zip(params, grads)))


if __name__ == "__main__":
    rng = np.random.default_rng(2718)
    params = init(rng, 2, 16, 1)
    for i in range(301):
        xs = rng.normal(size=(15, 8, 2))
        targets = np.cumsum(xs[..., :1] - xs[..., 1:], axis=0) / 4
        value, grads = mse_value_and_grad(params, xs, targets)
        params = sgd(params, grads, 0.1)
        if i % 100 == 0:
            print(f"{i:4d} {value:.4f}")
