"""Modules that people write by hand in torch: read by shape, called as they want to be, differentiated by autograd."""

import pytest
import torch
from torch import nn

from conformance import check


class LastOutput(nn.Module):
    """One matrix over [x; h], batch first, an output at the last step."""

    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)

    def carried(self, h):
        return h

    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.hidden_size)
        for t in range(x.shape[1]):
            h = torch.tanh(self.i2h(torch.cat([x[:, t], self.carried(h)], 1)))
        return self.h2o(h)


class Detached(LastOutput):
    """Truncates after a single step."""

    def carried(self, h):
        return h.detach()


class Forgets(LastOutput):
    def carried(self, h):
        return torch.zeros_like(h)


class Step(nn.Module):
    """One step a call, rows times matrices, [h; x]."""

    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(n_hidden + n_in, n_hidden))
        self.bias = nn.Parameter(torch.zeros(n_hidden))

    def forward(self, x, h):
        h = torch.tanh(torch.cat([h, x], 1) @ self.kernel + self.bias)
        return h, h


class EveryOutput(nn.Module):
    """Time first, two biases, everything returned in a dict."""

    def __init__(self, features, units, classes):
        super().__init__()
        self.x_to_h, self.h_to_h = nn.Linear(features, units), nn.Linear(units, units)
        self.h_to_y = nn.Linear(units, classes, bias=False)

    def forward(self, x, h):
        states = []
        for x_t in x:
            h = torch.tanh(self.x_to_h(x_t) + self.h_to_h(h))
            states.append(h)
        hidden = torch.stack(states)
        return {"y": self.h_to_y(hidden), "hidden": hidden}


class LSTM(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.inner = nn.LSTM(n_in, n_hidden)

    def forward(self, x):
        return self.inner(x)


RIGHT = [LastOutput, Step, EveryOutput, LastOutput(3, 5, 2), LastOutput(4, 4, 4)]


@pytest.mark.parametrize("module", RIGHT, ids=lambda m: str(m).split("(", maxsplit=1)[0])
def test_a_right_module_conforms(module):
    found = check(module)
    assert found.verdict == "conforms", str(found)
    assert found.record.backward == "agrees"


def test_a_detached_state_is_a_wrong_gradient_of_a_right_forward():
    record = check(Detached).record
    assert (record.verdict, record.forward, record.backward) == ("differs", "agrees", "differs")
    cell = next(part for part in record.parts if part.id == "cell")
    assert cell.holds


def test_a_forgotten_state_is_a_wrong_forward():
    record = check(Forgets).record
    assert (record.verdict, record.forward, record.exit_code) == ("differs", "differs", 1)


def test_h_0_is_asked_where_a_module_takes_it():
    assert next(p for p in check(Step).record.parts if p.id == "initial-state").holds
    assert next(p for p in check(LastOutput).record.parts if p.id == "initial-state").holds is None


def test_how_it_was_read_is_told():
    lines = check(EveryOutput).record.interface.lines
    assert "called with x (T, B, I), h (B, H); gradients by autograd" in lines
    assert "h_to_h.weight = weight_hh_l0" in lines


def test_another_network_is_judged_by_its_own_forward_pass():
    record = check(LSTM).record
    assert (record.verdict, record.exit_code) == ("another-network", 0)
    assert {q.quantity for q in record.consistency.quantities} == {f"dL/dinner.{n}" for n in names_of(LSTM)}


def test_a_cut_graph_is_told_where_the_forward_pass_is_right():
    assert "cuts the graph" in check(Detached).diagnosis.known[-1]


def test_no_mistake_of_a_backward_pass_is_held_against_autograd():
    diagnosis = check(Forgets).diagnosis
    assert [fault.id for fault in diagnosis.faults] == ["state-not-carried"]


def names_of(kind):
    return [name for name, _ in kind(2, 3).inner.named_parameters()]


def test_a_module_is_left_as_it_was():
    module = LastOutput(3, 5, 2)
    before = {name: p.clone() for name, p in module.state_dict().items()}
    check(module)
    assert all(torch.equal(before[name], p) for name, p in module.state_dict().items())
    assert module.i2h.weight.dtype == torch.float32
