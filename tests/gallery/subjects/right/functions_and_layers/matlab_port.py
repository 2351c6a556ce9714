# rnn_bptt.m  ->  python
# (translated 2021-03, original by me for the system identification course, matlab 2014b)
# everything is columns-are-time:  X is nx x N,  Y is ny x N
import numpy as np
from numpy import zeros, tanh, sqrt


def rnn_init(nx, nh, ny, seed=1):
    rs = np.random.RandomState(seed)      # rng(1)
    W = {}                                # struct
    W['ih'] = rs.randn(nh, nx) / sqrt(nx)
    W['hh'] = rs.randn(nh, nh) / sqrt(nh)
    W['ho'] = rs.randn(ny, nh) / sqrt(nh)
    W['bh'] = zeros((nh, 1))
    W['bo'] = zeros((ny, 1))
    return W


def rnn_sim(W, X):
    """[Yhat, A] = rnn_sim(W, X)"""
    N = X.shape[1]
    nh = W['hh'].shape[0]
    A = zeros((nh, N + 1))                # A(:,1) = 0
    for k in range(1, N + 1):
        # numpy drops the column unless we slice, so slice
        A[:, k:k+1] = tanh(W['ih'] @ X[:, k-1:k] + W['hh'] @ A[:, k-1:k] + W['bh'])
    Yhat = W['ho'] @ A[:, 1:] + W['bo']
    return Yhat, A


def rnn_bptt(W, X, Y):
    """[J, G] = rnn_bptt(W, X, Y)

    J = 0.5 * sum of squared errors / N
    """
    N = X.shape[1]
    nh = W['hh'].shape[0]
    Yhat, A = rnn_sim(W, X)
    E = Yhat - Y
    J = 0.5 * np.sum(E ** 2) / N
    E = E / N

    G = {}
    G['ho'] = E @ A[:, 1:].T
    G['bo'] = np.sum(E, 1, keepdims=True)         # sum(E,2)
    D = zeros((nh, N))
    dnext = zeros((nh, 1))
    for k in range(N, 0, -1):
        d = (W['ho'].T @ E[:, k-1:k] + W['hh'].T @ dnext) * (1 - A[:, k:k+1] ** 2)
        D[:, k-1:k] = d
        dnext = d
    G['ih'] = D @ X.T
    G['hh'] = D @ A[:, :-1].T                      # A(:,1:end-1)
    G['bh'] = np.sum(D, 1, keepdims=True)
    return J, G


def rnn_train(X, Y, nh=10, mu=0.05, nepoch=500):
    W = rnn_init(X.shape[0], nh, Y.shape[0])
    for epoch in range(nepoch):
        J, G = rnn_bptt(W, X, Y)
        for f in W:                                # fieldnames(W)
            W[f] = W[f] - mu * G[f]
        if epoch % 100 == 0:
            print('epoch %d  J = %g' % (epoch, J))
    return W


if __name__ == '__main__':
    N = 200
    u = np.random.randn(1, N)
    y = zeros((1, N))
    for k in range(2, N):
        y[0, k] = 0.6 * y[0, k-1] - 0.1 * y[0, k-2] + 0.4 * u[0, k-1]
    W = rnn_train(u, y)
    Yhat, _ = rnn_sim(W, u)
    print('fit:', 1 - np.linalg.norm(y - Yhat) / np.linalg.norm(y - y.mean()))
