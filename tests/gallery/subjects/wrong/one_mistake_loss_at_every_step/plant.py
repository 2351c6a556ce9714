"""Recurrent black-box model of the heat exchanger rig.

u : valve position, pump speed          -> array (N, nu)
y : outlet temperature(s), normalised   -> array (N, ny)

Model    x[k+1] = tanh(A x[k] + B u[k] + b)      y[k] = C x[k+1] + d
"""
import numpy as np


class RecurrentPlantModel:
    def __init__(self, nu, nx, ny, x0=None):
        rs = np.random.RandomState(77)
        self.A = 0.8 * np.eye(nx) + 0.05 * rs.randn(nx, nx)
        self.B = 0.3 * rs.randn(nx, nu)
        self.b = np.zeros(nx)
        self.C = 0.3 * rs.randn(ny, nx)
        self.d = np.zeros(ny)
        self.x0 = np.zeros(nx) if x0 is None else np.asarray(x0, float)

    def simulate(self, u):
        N = len(u)
        X = np.zeros((N + 1, len(self.x0)))
        X[0] = self.x0
        for k in range(N):
            X[k + 1] = np.tanh(self.A @ X[k] + self.B @ u[k] + self.b)
        Y = X[1:] @ self.C.T + self.d
        return Y, X

    def criterion(self, Y, y_meas):
        return 0.5 * np.sum((Y - y_meas) ** 2)

    def sensitivities(self, u, y_meas):
        """Gradient of the criterion, by going through the record backwards once.

        The matrix products are taken out of the loop, that makes it about twice as fast
        for long records.
        """
        Y, X = self.simulate(u)
        N = len(u)
        E = Y - y_meas
        delta = np.zeros((N, len(self.x0)))
        nxt = np.zeros(len(self.x0))
        for k in range(N - 1, -1, -1):
            delta[k] = (E[k] @ self.C + nxt) * (1 - X[k + 1] ** 2)
            nxt = delta[k] @ self.A
        total = delta.sum(axis=0)
        return {
            "A": delta.T @ X[:-1],
            "B": np.outer(total, u.mean(axis=0)),
            "b": total,
            "C": E.T @ X[1:],
            "d": E.sum(axis=0),
        }

    def identify(self, u, y_meas, mu=1e-3, passes=200, report=50):
        for i in range(passes):
            g = self.sensitivities(u, y_meas)
            for name in g:
                setattr(self, name, getattr(self, name) - mu * g[name])
            if report and i % report == 0:
                Y, _ = self.simulate(u)
                print("pass %4d   J = %.4f" % (i, self.criterion(Y, y_meas)))


def rig(N, rs):
    """stand-in for the measured data"""
    u = np.repeat(rs.uniform(-1, 1, (N // 10, 2)), 10, axis=0)
    y = np.zeros((N, 1))
    for k in range(1, N):
        y[k] = 0.9 * y[k - 1] + 0.1 * np.tanh(u[k, 0] - 0.5 * u[k, 1])
    return u, y


if __name__ == "__main__":
    rs = np.random.RandomState(1)
    u, y = rig(200, rs)
    m = RecurrentPlantModel(2, 5, 1)
    m.identify(u, y)
