import numpy as np


def sigma(a):
    return 1 / (1 + np.exp(-a))


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    """xt (n_x, m), a_prev (n_a, m)"""
    concat = np.concatenate((a_prev, xt), axis=0)
    ft = sigma(np.dot(parameters["Wf"], concat) + parameters["bf"])
    it = sigma(np.dot(parameters["Wi"], concat) + parameters["bi"])
    cct = np.tanh(np.dot(parameters["Wc"], concat) + parameters["bc"])
    c_next = ft * c_prev + it * cct
    ot = sigma(np.dot(parameters["Wo"], concat) + parameters["bo"])
    a_next = ot * np.tanh(c_next)
    return a_next, c_next, (concat, c_next, c_prev, ft, it, cct, ot)


def lstm_forward(x, a0, parameters):
    """x (n_x, m, T)"""
    a_next, c_next = a0, np.zeros_like(a0)
    a, caches = np.zeros((a0.shape[0], x.shape[1], x.shape[2])), []
    for t in range(x.shape[2]):
        a_next, c_next, cache = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        a[:, :, t] = a_next
        caches.append(cache)
    return a, caches


def lstm_backward(da, caches, parameters):
    """da (n_a, m, T)"""
    n_a = da.shape[0]
    grads = {name: np.zeros_like(value) for name, value in parameters.items()}
    da_next, dc_next = np.zeros(da.shape[:2]), np.zeros(da.shape[:2])
    for t in reversed(range(da.shape[2])):
        concat, c_next, c_prev, ft, it, cct, ot = caches[t]
        dat = da[:, :, t] + da_next
        dot = dat * np.tanh(c_next) * ot * (1 - ot)
        dc = dc_next + dat * ot * (1 - np.tanh(c_next) ** 2)
        dcct = dc * it * (1 - np.tanh(cct) ** 2)
        dit = dc * cct * (1 - it)
        dft = dc * c_prev * ft * (1 - ft)
        for name, d in (("f", dft), ("i", dit), ("c", dcct), ("o", dot)):
            grads["W" + name] += np.dot(d, concat.T)
            grads["b" + name] += np.sum(d, axis=1, keepdims=True)
        dconcat = sum(np.dot(parameters["W" + name].T, d) for name, d in (("f", dft), ("i", dit), ("c", dcct), ("o", dot)))
        da_next = dconcat[:n_a]
        dc_next = dc_next * ft
    return grads
