import torch
from torch import nn


class MyRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)

    def forward(self, x, h=None):
        # x: (seq, batch, input)
        if h is None:
            h = torch.zeros(x.shape[1], self.hidden_size, dtype=x.dtype)
        outs = []
        for t in range(x.shape[0]):
            h = torch.tanh(self.i2h(x[t]) + self.h2h(h))
            outs.append(self.h2o(h))
        return torch.stack(outs), h
