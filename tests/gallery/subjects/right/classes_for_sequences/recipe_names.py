#!/usr/bin/env python3
# recipe name generator
# usage: python recipe_names.py [names.txt]
import sys
import numpy as np

DEFAULT = ["lemon tart", "apple pie", "plum cake", "rye bread", "onion soup", "leek pie", "pear tart",
           "bean soup", "corn bread", "carrot cake", "pea soup", "oat cake"]


class Vocab:
    def __init__(self, lines):
        self.chars = ["\n"] + sorted(set("".join(lines)))
        self.index = {c: i for i, c in enumerate(self.chars)}

    def __len__(self):
        return len(self.chars)

    def one_hot(self, s):
        m = np.zeros((len(s), len(self.chars)))
        for r, c in enumerate(s):
            m[r, self.index[c]] = 1
        return m


class NameModel:
    def __init__(self, vocab_len, units=50):
        std = 0.05
        self.p = {
            'Wax': np.random.normal(0, std, (vocab_len, units)),
            'Waa': np.random.normal(0, std, (units, units)),
            'Wya': np.random.normal(0, std, (units, vocab_len)),
            'ba': np.zeros((1, units)),
            'by': np.zeros((1, vocab_len)),
        }

    def forward(self, X):
        """ X one-hot (T, V). Gives (a, yhat), a has one row more than X. """
        T = X.shape[0]
        a = np.zeros((T + 1, self.p['Waa'].shape[0]))
        yhat = np.zeros((T, self.p['Wya'].shape[1]))
        for t in range(T):
            a[t+1] = np.tanh(X[t] @ self.p['Wax'] + a[t] @ self.p['Waa'] + self.p['ba'][0])
            logits = a[t+1] @ self.p['Wya'] + self.p['by'][0]
            logits = np.exp(logits - logits.max())
            yhat[t] = logits / logits.sum()
        return a, yhat

    def loss(self, yhat, Y):
        """ average cross-entropy per character """
        return -np.sum(Y * np.log(yhat + 1e-300)) / len(Y)

    def backward(self, X, Y, a, yhat):
        g = {k: np.zeros_like(v) for k, v in self.p.items()}
        da_next = 0
        for t in reversed(range(len(X))):
            dy = (yhat[t] - Y[t])[None, :]
            g['Wya'] += a[t+1][:, None] @ dy
            g['by'] += dy
            da = dy @ self.p['Wya'].T + da_next
            dz = da * (1 - a[t+1] ** 2)
            g['ba'] += dz
            g['Wax'] += X[t][:, None] @ dz
            g['Waa'] += a[t][:, None] @ dz
            da_next = dz @ self.p['Waa'].T
        return g

    def step(self, X, Y, lr):
        a, yhat = self.forward(X)
        g = self.backward(X, Y, a, yhat)
        for k in g:
            np.clip(g[k], -5, 5, out=g[k])
            self.p[k] -= lr * g[k]
        return self.loss(yhat, Y)

    def dream(self, vocab, temperature=0.8, maxlen=20):
        s = "\n"
        while len(s) < maxlen:
            _, yhat = self.forward(vocab.one_hot(s))
            q = yhat[-1] ** (1 / temperature)
            c = vocab.chars[np.random.choice(len(q), p=q / q.sum())]
            if c == "\n":
                break
            s += c
        return s.strip()


def main():
    lines = open(sys.argv[1]).read().lower().split("\n") if len(sys.argv) > 1 else DEFAULT
    lines = [l.strip() for l in lines if l.strip()]
    vocab = Vocab(lines)
    model = NameModel(len(vocab))
    for it in range(3001):
        name = lines[np.random.randint(len(lines))]
        X = vocab.one_hot("\n" + name)
        Y = vocab.one_hot(name + "\n")
        l = model.step(X, Y, lr=0.02)
        if it % 1000 == 0:
            print(f"it {it}  loss {l:.3f}   e.g. {', '.join(model.dream(vocab) for _ in range(4))}")


if __name__ == "__main__":
    main()
