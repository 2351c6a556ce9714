import numpy as np
import operator
from datetime import datetime


class RNNLM:
    """word level language model, U V W notation. x is a list of word ids, y the same list shifted"""

    def __init__(self, word_dim, hidden_dim=100, bptt_truncate=4):
        self.word_dim = word_dim
        self.hidden_dim = hidden_dim
        self.bptt_truncate = bptt_truncate
        a, b = np.sqrt(1. / word_dim), np.sqrt(1. / hidden_dim)
        self.U = np.random.uniform(-a, a, (hidden_dim, word_dim))
        self.V = np.random.uniform(-b, b, (word_dim, hidden_dim))
        self.W = np.random.uniform(-b, b, (hidden_dim, hidden_dim))
        self.b = np.zeros(hidden_dim)

    def forward_propagation(self, x):
        T = len(x)
        s = np.zeros((T + 1, self.hidden_dim))      # s[-1] = initial state
        o = np.zeros((T, self.word_dim))
        for t in np.arange(T):
            s[t] = np.tanh(self.U[:, x[t]] + self.W.dot(s[t - 1]) + self.b)
            z = self.V.dot(s[t])
            z = np.exp(z - np.max(z))
            o[t] = z / np.sum(z)
        return o, s

    def predict(self, x):
        o, s = self.forward_propagation(x)
        return np.argmax(o, axis=1)

    def calculate_total_loss(self, x, y):
        L = 0
        for i in np.arange(len(y)):
            o, s = self.forward_propagation(x[i])
            correct = o[np.arange(len(y[i])), y[i]]
            L += -1 * np.sum(np.log(correct))
        return L

    def calculate_loss(self, x, y):
        # per word
        N = sum(len(y_i) for y_i in y)
        return self.calculate_total_loss(x, y) / N

    def bptt(self, x, y):
        """gradients of the (total) loss of one sentence"""
        T = len(y)
        o, s = self.forward_propagation(x)
        dLdU = np.zeros(self.U.shape)
        dLdV = np.zeros(self.V.shape)
        dLdW = np.zeros(self.W.shape)
        dLdb = np.zeros(self.b.shape)
        delta_o = o
        delta_o[np.arange(len(y)), y] -= 1.
        # for each output backwards...
        for t in np.arange(T)[::-1]:
            dLdV += np.outer(delta_o[t], s[t])
            delta_t = self.V.T.dot(delta_o[t]) * (1 - s[t] ** 2)
            # ...backpropagate through time, at most bptt_truncate steps
            for step in np.arange(max(0, t - self.bptt_truncate), t + 1)[::-1]:
                dLdW += np.outer(delta_t, s[step - 1])
                dLdU[:, x[step]] += delta_t
                delta_t = self.W.T.dot(delta_t) * (1 - s[t] ** 2)
        return dLdU, dLdV, dLdW, dLdb

    def sgd_step(self, x, y, learning_rate):
        dLdU, dLdV, dLdW, dLdb = self.bptt(x, y)
        self.U -= learning_rate * dLdU
        self.V -= learning_rate * dLdV
        self.W -= learning_rate * dLdW
        self.b -= learning_rate * dLdb


def train_with_sgd(model, X_train, y_train, learning_rate=0.005, nepoch=20, evaluate_loss_after=5):
    losses = []
    for epoch in range(nepoch):
        if epoch % evaluate_loss_after == 0:
            loss = model.calculate_loss(X_train, y_train)
            losses.append((epoch, loss))
            print("%s: epoch=%d loss=%f" % (datetime.now().strftime('%H:%M:%S'), epoch, loss))
            if len(losses) > 1 and losses[-1][1] > losses[-2][1]:
                learning_rate *= 0.5
        for x, y in zip(X_train, y_train):
            model.sgd_step(x, y, learning_rate)


LYRICS = """la la la the river runs home
the river runs home and so do i
i follow the river all night
all night la la la i follow home"""

if __name__ == "__main__":
    counts = {}
    for w in LYRICS.split():
        counts[w] = counts.get(w, 0) + 1
    vocab = [w for w, _ in sorted(counts.items(), key=operator.itemgetter(1), reverse=True)]
    ids = {w: i for i, w in enumerate(vocab)}
    sents = [[ids[w] for w in line.split()] for line in LYRICS.split("\n")]
    np.random.seed(10)
    m = RNNLM(len(vocab), hidden_dim=20)
    train_with_sgd(m, [s[:-1] for s in sents], [s[1:] for s in sents], nepoch=100, evaluate_loss_after=25)
