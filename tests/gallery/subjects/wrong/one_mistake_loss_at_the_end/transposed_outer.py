import numpy as np


class Rnn:

    def __init__(self, I, H, O, T):
        self.I, self.H, self.O, self.T = I, H, O, T
        self.weights_input = np.random.randn(H, I) * 0.1
        self.weights_hidden = np.random.randn(H, H) * 0.1
        self.weights_output = np.random.randn(O, H) * 0.1
        self.bias_hidden = np.zeros(H)
        self.bias_output = np.zeros(O)
        self.inputs = np.zeros((T, I))
        self.hidden_states = np.zeros((T + 1, H))

    def forward_pass(self, sequence):
        for t in range(self.T):
            self.inputs[t] = sequence[t]
            a = self.weights_input.dot(self.inputs[t]) + self.weights_hidden.dot(self.hidden_states[t]) + self.bias_hidden
            self.hidden_states[t + 1] = np.tanh(a)
        self.output = self.weights_output.dot(self.hidden_states[self.T]) + self.bias_output
        return self.output

    def backward_pass(self, d_output):
        d_weights_output = np.outer(d_output, self.hidden_states[self.T])
        d_bias_output = d_output
        d_weights_input = np.zeros((self.H, self.I))
        d_weights_hidden = np.zeros((self.H, self.H))
        d_bias_hidden = np.zeros(self.H)
        d_h = self.weights_output.T.dot(d_output)
        for t in range(self.T - 1, -1, -1):
            d_a = d_h * (1 - self.hidden_states[t + 1] ** 2)
            d_weights_input += np.outer(d_a, self.inputs[t])
            d_weights_hidden += np.outer(self.hidden_states[t], d_a)
            d_bias_hidden += d_a
            d_h = self.weights_hidden.T.dot(d_a)
        return (d_weights_input, d_weights_hidden, d_weights_output, d_bias_hidden, d_bias_output)

    def train(self, sequence, target, rate=0.1):
        d = self.forward_pass(sequence) - target
        grads = self.backward_pass(d)
        for w, g in zip((self.weights_input, self.weights_hidden, self.weights_output, self.bias_hidden, self.bias_output), grads):
            w -= rate * g
        return 0.5 * np.sum(d ** 2)
