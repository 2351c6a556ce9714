# Training a driven rate network with the adjoint method.
#
#   r(t+1) = tanh( J r(t) + B u(t) + theta )         t = 0 .. N-1
#   z(t)   = C r(t+1)
#
# cost functional    E = 1/2 sum_t | z(t) - z*(t) |^2
#
# Introduce a costate lambda(t) conjugate to r(t). Stationarity of the Lagrangian gives
#
#   lambda(t) = J^T D(t) lambda(t+1) + C^T eps(t-1),   D(t) = diag(1 - r(t+1)^2)
#
# with lambda(N) = C^T eps(N-1), and the "forces" on the couplings follow by
# differentiating E with respect to J, B, theta.

import numpy as np

rng = np.random.default_rng(1905)


def couplings(N_r, N_u, N_z, g=1.2):
    """Random couplings with gain g (chaotic for g > 1, autonomous)."""
    J = g * rng.standard_normal((N_r, N_r)) / np.sqrt(N_r)
    B = rng.standard_normal((N_r, N_u))
    theta = np.zeros(N_r)
    C = rng.standard_normal((N_z, N_r)) / np.sqrt(N_r)
    return J, B, theta, C


def propagate(J, B, theta, C, u, r0):
    N = u.shape[0]
    r = np.empty((N + 1, J.shape[0]))
    r[0] = r0
    for t in range(N):
        r[t + 1] = np.tanh(J @ r[t] + B @ u[t] + theta)
    z = r[1:] @ C.T
    return r, z


def energy(z, z_star):
    return 0.5 * np.sum((z - z_star) ** 2)


def adjoint(J, B, theta, C, u, r, z, z_star):
    """Returns dE/dJ, dE/dB, dE/dtheta, dE/dC and dE/dr0."""
    N = u.shape[0]
    eps = z - z_star
    lam = np.zeros_like(r)
    lam[N] = C.T @ eps[N - 1]
    F_J = np.zeros_like(J)
    F_B = np.zeros_like(B)
    F_theta = np.zeros_like(theta)
    for t in reversed(range(N)):
        mu = (1.0 - r[t + 1] ** 2) * lam[t + 1]
        F_J += np.outer(mu, r[t])
        F_B += np.outer(mu, u[t])
        F_theta += mu
        lam[t] = J.T @ mu
        if t > 0:
            lam[t] += C.T @ eps[t - 1]
    F_C = eps.T @ r[1:]
    return F_J, F_B, F_theta, F_C, lam[0]


def relax(n_steps=400, eta=2e-4):
    J, B, theta, C = couplings(40, 1, 1)
    tt = np.linspace(0, 4 * np.pi, 120)
    u = np.sin(tt)[:, None]
    z_star = np.sin(2 * tt)[:, None]
    r0 = np.zeros(40)
    for n in range(n_steps):
        r, z = propagate(J, B, theta, C, u, r0)
        F = adjoint(J, B, theta, C, u, r, z, z_star)
        J -= eta * F[0]
        B -= eta * F[1]
        theta -= eta * F[2]
        C -= eta * F[3]
        if n % 100 == 0:
            print(f"step {n:5d}   E = {energy(z, z_star):.5f}")
    return J, B, theta, C


if __name__ == "__main__":
    relax()
