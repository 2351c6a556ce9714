"""Exercise sheet: the backward pass starts at the hidden states, the output layer comes next week."""
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def forward(x, a0, parameters):
    """x (n_x, m, T), a0 (n_a, m)"""
    Wax, Waa, Wya = parameters["Wax"], parameters["Waa"], parameters["Wya"]
    a, tape, ys = a0, [], []
    for t in range(x.shape[2]):
        before, a = a, np.tanh(Wax @ x[:, :, t] + Waa @ a + parameters["ba"])
        ys.append(softmax(Wya @ a + parameters["by"]))
        tape.append((before, a, x[:, :, t]))
    states = np.stack([after for _, after, _ in tape], axis=2)
    return states, np.stack(ys, axis=2), (tape, parameters)


def backward(da, caches):
    """da (n_a, m, T): gradients of the states as the output layer hands them down"""
    tape, parameters = caches
    grads = {"d" + name: np.zeros_like(parameters[name]) for name in ("Wax", "Waa", "ba")}
    carry = 0
    for t in reversed(range(len(tape))):
        before, after, x = tape[t]
        dz = (da[:, :, t] + carry) * (1 - after ** 2)
        grads["dWax"] += dz @ x.T
        grads["dWaa"] += dz @ before.T
        grads["dba"] += dz.sum(1, keepdims=True)
        carry = parameters["Waa"].T @ dz
    grads["da0"] = carry
    return grads
