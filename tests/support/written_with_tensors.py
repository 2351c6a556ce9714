"""Networks by hand over tensors of torch, outside modules: their own gradients, or none but autograd's."""

CLASS = '''
import torch

class Columns:
    """In columns, with a dict of states."""

    def __init__(self, n_in, n_hidden, n_out):
        self.A = torch.randn(n_hidden, n_in) * 0.1
        self.B = torch.randn(size=(n_hidden, n_hidden))
        self.C = torch.randn((n_out, n_hidden), dtype=torch.float32)
        self.b, self.c = torch.zeros(n_hidden, 1), torch.zeros(n_out, 1)

    def forward(self, xs):
        self.xs, self.s, ys = xs, {{-1: torch.zeros_like(self.b)}}, []
        for t, x in enumerate(xs):
            self.s[t] = torch.tanh(self.A @ x + self.B.mm(self.s[t - 1]) + self.b)
            ys.append(torch.matmul(self.C, self.s[t]).add(self.c))
        return ys

    def backward(self, dys):
        gA, gB, gC, gb, gc, later = [torch.zeros_like(w) for w in (self.A, self.B, self.C, self.b, self.c, self.b)]
        for t in reversed(range(len(self.xs))):
            gC.add_(dys[t] @ self.s[t].t())
            gc += dys[t]
            a = (self.C.T @ dys[t] + later) * (1 - {slope}.pow(2))
            gA += a.mm(self.xs[t].t())
            gB += a.mm(self.s[t - 1].t())
            gb.add_(a, alpha=1.0)
            later = self.B{turned}.mm(a)
        return gA, gB, gC, gb, gc
'''
"""A class, of which two seams vary."""

RIGHT_CLASS = CLASS.format(slope="self.s[t]", turned=".t()")

BATCHES = '''
import torch
import torch.nn.functional as F

def forward(x, W_x, W_h, b, W_y, b_y):
    """Of a batch (B, T, I), in rows."""
    h = torch.zeros(x.size(0), W_h.shape[0], device=x.device)
    states, outputs = [h], []
    for t in range(x.size(1)):
        h = F.tanh(torch.addmm(b, x[:, t, :], W_x) + torch.einsum("bh,hk->bk", h, W_h))
        states.append(h)
        outputs.append((h @ W_y + b_y).unsqueeze(1))
    return torch.cat(outputs, dim=1), torch.stack(states, dim=1)

def backward(x, states, dy, W_x, W_h, W_y):
    dW_x, dW_h, dW_y = (torch.zeros_like(w) for w in (W_x, W_h, W_y))
    db, db_y = torch.zeros(W_h.size(0)), dy.sum(dim=(0, 1))
    later = torch.zeros_like(states[:, 0])
    for t in range(x.size(1) - 1, -1, -1):
        h, before = states[:, t + 1], states[:, t]
        dW_y += torch.matmul(h.transpose(0, 1), dy[:, t].clone())
        a = (dy[:, t].view(x.size(0), -1) @ W_y.permute(1, 0) + later) * (1 - torch.square(h))
        dW_x += x[:, t].t() @ a
        dW_h += before.t() @ a
        db += a.sum(dim=0, keepdim=True).squeeze(0)
        later = torch.mm(a, W_h.t())
    return dW_x, dW_h, db, dW_y, db_y
'''

BY_AUTOGRAD = """
import torch

def get_params(vocab_size, num_hiddens, device=torch.device("cpu")):
    def normal(shape):
        return torch.randn(size=shape, device=device) * 0.01

    W_xh, W_hh, b_h = normal((vocab_size, num_hiddens)), normal((num_hiddens, num_hiddens)), torch.zeros(num_hiddens)
    W_hq, b_q = normal((num_hiddens, vocab_size)), torch.zeros(vocab_size)
    params = [W_xh, W_hh, b_h, W_hq, b_q]
    for param in params:
        param.requires_grad_(True)
    return params

def rnn(inputs, state, params):
    W_xh, W_hh, b_h, W_hq, b_q = params
    (H,) = state
    outputs = []
    for X in inputs:
        H = torch.tanh(torch.mm(X, W_xh) + torch.mm(H, W_hh) + b_h)
        outputs.append(torch.mm(H, W_hq) + b_q)
    return torch.cat(outputs, dim=0), (H,)
"""

RIGHT = {
    "in columns": (RIGHT_CLASS, "Columns"),
    "in columns, without a graph": (
        RIGHT_CLASS.replace("    def ", "    @torch.no_grad()\n    def "),
        "Columns",
    ),
    "in batches": (BATCHES, "forward,backward"),
}
WRONG = {
    "carry-not-transposed": CLASS.format(slope="self.s[t]", turned=""),
    "tanh-prime-of-activated": CLASS.format(slope="torch.tanh(self.s[t])", turned=".t()"),
}
