"""CS exercise sheet 5, task 2: implement an RNN (forward + backward) in numpy."""
import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, output_size, learning_rate=0.01):
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.output_size = output_size
        self.learning_rate = learning_rate

        self.weights_ih = np.random.randn(hidden_size, input_size) * 0.1
        self.weights_hh = np.random.randn(hidden_size, hidden_size) * 0.1
        self.weights_ho = np.random.randn(output_size, hidden_size) * 0.1
        self.bias_h = np.zeros((hidden_size, 1))
        self.bias_o = np.zeros((output_size, 1))

    def forward(self, inputs):
        # inputs: list of column vectors
        self.inputs = inputs
        self.hiddens = {}
        self.hiddens[-1] = np.zeros((self.hidden_size, 1))
        self.outputs = {}
        for t in range(len(inputs)):
            self.hiddens[t] = np.tanh(
                np.dot(self.weights_ih, inputs[t])
                + np.dot(self.weights_hh, self.hidden[t - 1])
                + self.bias_h
            )
            self.outputs[t] = np.dot(self.weights_ho, self.hiddens[t]) + self.bias_o
        return self.outputs

    def backward(self, targets):
        d_weights_ih = np.zeros_like(self.weights_ih)
        d_weights_hh = np.zeros_like(self.weights_hh)
        d_weights_ho = np.zeros_like(self.weights_ho)
        d_bias_h = np.zeros_like(self.bias_h)
        d_bias_o = np.zeros_like(self.bias_o)
        d_hidden_next = np.zeros((self.hidden_size, 1))

        for t in reversed(range(len(self.inputs))):
            d_output = self.outputs[t] - targets[t]
            d_weights_ho += np.dot(d_output, self.hiddens[t].T)
            d_bias_o += d_output
            d_hidden = np.dot(self.weights_ho.T, d_output) + d_hidden_next
            d_raw = (1 - self.hiddens[t] ** 2) * d_hidden
            d_weights_ih += np.dot(d_raw, self.inputs[t].T)
            d_weights_hh += np.dot(d_raw, self.hiddens[t - 1].T)
            d_bias_h += d_raw
            d_hidden_next = np.dot(self.weights_hh.T, d_raw)

        self.weights_ih -= self.learning_rate * d_weights_ih
        self.weights_hh -= self.learning_rate * d_weights_hh
        self.weights_ho -= self.learning_rate * d_weights_ho
        self.bias_h -= self.learning_rate * d_bias_h
        self.bias_o -= self.learning_rate * d_bias_o

    def train(self, sequences, targets, epochs):
        for epoch in range(epochs):
            total = 0
            for s, tg in zip(sequences, targets):
                out = self.forward(s)
                total += sum(0.5 * np.sum((out[t] - tg[t]) ** 2) for t in range(len(tg)))
                self.backward(tg)
            print("Epoch", epoch, "Loss", total)
