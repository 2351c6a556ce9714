"""Letra a letra: la ida devuelve la perdida, la vuelta los gradientes."""
import numpy as np


def inicializar(n_letras, n_oculta, semilla=0):
    azar = np.random.RandomState(semilla)
    P = {"U": azar.randn(n_oculta, n_letras) * 0.01, "W": azar.randn(n_oculta, n_oculta) * 0.01}
    P.update(V=azar.randn(n_letras, n_oculta) * 0.01, b=np.zeros((n_oculta, 1)), c=np.zeros((n_letras, 1)))
    return P


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()


def ida(indices, objetivos, h0, P):
    hs, ps, perdida = {-1: np.copy(h0)}, {}, 0.0
    for t in range(len(indices)):
        hs[t] = np.tanh(P["U"][:, [indices[t]]] + P["W"] @ hs[t - 1] + P["b"])
        ps[t] = softmax(P["V"] @ hs[t] + P["c"])
        perdida -= np.log(ps[t][objetivos[t], 0])
    return perdida, (indices, hs, ps, objetivos)


def vuelta(memoria, P):
    indices, hs, ps, objetivos = memoria
    G = {nombre: np.zeros_like(w) for nombre, w in P.items()}
    resto = np.zeros_like(hs[-1])
    for t in reversed(range(len(indices))):
        do = np.copy(ps[t])
        do[objetivos[t]] -= 1
        G["V"] += do @ hs[t].T
        G["c"] += do
        da = (P["V"].T @ do + resto) * (1 - hs[t] ** 2)
        G["b"] += da
        G["U"][:, indices[t]] += da[:, 0]
        G["W"] += da @ hs[t - 1].T
        resto = P["W"].T @ da
    return G
