"""
Evolving a little recurrent controller (cart on a rail, keep it at 0).
There's no gradient here at all, we just mutate and keep the better one.
"""
import numpy as np


class Brain:
    def __init__(self, n_sensors: int, n_neurons: int, n_motors: int, rng: np.random.Generator):
        self.rng = rng
        self.sensor_w = rng.normal(0, 0.5, (n_neurons, n_sensors))
        self.neuron_w = rng.normal(0, 0.5, (n_neurons, n_neurons))
        self.motor_w = rng.normal(0, 0.5, (n_motors, n_neurons))
        self.bias = rng.normal(0, 0.1, n_neurons)
        self.h = np.zeros(n_neurons)

    def wake(self):
        self.h = np.zeros_like(self.h)

    def think(self, sensors):
        """one tick: sensors (n_sensors,) -> motors (n_motors,)"""
        self.h = np.tanh(self.sensor_w @ sensors + self.neuron_w @ self.h + self.bias)
        return self.motor_w @ self.h

    def forward(self, sequence):
        """a whole recording at once, from a fresh state: (T, n_sensors) -> (T, n_motors)"""
        self.wake()
        return np.array([self.think(s) for s in sequence])

    def mutate(self, sigma=0.05):
        kid = Brain.__new__(Brain)
        kid.rng = self.rng
        for name in ("sensor_w", "neuron_w", "motor_w", "bias"):
            v = getattr(self, name)
            setattr(kid, name, v + self.rng.normal(0, sigma, v.shape))
        kid.h = np.zeros_like(self.h)
        return kid


def cart(brain, steps=100):
    brain.wake()
    x, v, cost = 1.0, 0.0, 0.0
    for _ in range(steps):
        force = np.clip(brain.think(np.array([x, v]))[0], -1, 1)
        v += 0.1 * force
        x += 0.1 * v
        cost += x * x
    return cost


def evolve(generations=200):
    rng = np.random.default_rng(8)
    best = Brain(2, 6, 1, rng)
    best_cost = cart(best)
    for g in range(generations):
        kid = best.mutate()
        c = cart(kid)
        if c < best_cost:
            best, best_cost = kid, c
        if g % 50 == 0:
            print(g, best_cost)
    return best


if __name__ == "__main__":
    evolve()
