import numpy as np


class SimpleRNN:
    def __init__(self, embedding_size, state_size, n_classes):
        self.embed_to_state = 0.1 * np.random.randn(embedding_size, state_size)
        self.state_to_state = 0.1 * np.random.randn(state_size, state_size)
        self.state_to_class = 0.1 * np.random.randn(n_classes, state_size)
        self.state_bias = np.zeros(state_size)
        self.class_bias = np.zeros(n_classes)

    def forward(self, words):
        """words: (length, embedding_size). The scores after the last word."""
        state = np.zeros(self.state_bias.shape)
        self.words, self.states = words, [state]
        for w in words:
            state = np.tanh(w @ self.embed_to_state + self.state_to_state @ state + self.state_bias)
            self.states.append(state)
        return self.state_to_class @ state + self.class_bias

    def backward(self, d_scores):
        d_sc = np.outer(d_scores, self.states[-1])
        d_es, d_ss = np.zeros_like(self.embed_to_state), np.zeros_like(self.state_to_state)
        d_sb = np.zeros_like(self.state_bias)
        d = self.state_to_class.T @ d_scores
        for i in range(len(self.words), 0, -1):
            d = d * (1 - self.states[i] ** 2)
            d_es += np.outer(self.words[i - 1], d)
            d_ss += np.outer(d, self.states[i - 1])
            d_sb += d
            d = self.state_to_state.T @ d
        self.grads = {"embed_to_state": d_es, "state_to_state": d_ss, "state_to_class": d_sc,
                      "state_bias": d_sb, "class_bias": d_scores}
        return self.grads
