"""Stacks of cells, both directions, lists of states: modules as people put them together, read by shape and value."""

import pytest
import torch
from torch import nn

from conformance import check
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request


class Scan(nn.Module):
    """One direction of one layer, rows times matrices, biases (1, H); a list of states and the last one."""

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.W_xh = nn.Parameter(torch.randn(n_in, n_hid))
        self.W_hh = nn.Parameter(torch.randn(n_hid, n_hid))
        self.b_h = nn.Parameter(torch.zeros(1, n_hid))

    def forward(self, x, state=None):
        h = torch.zeros(x.shape[1], self.b_h.shape[1]) if state is None else state
        states = []
        for x_t in x:
            h = torch.tanh(x_t @ self.W_xh + h @ self.W_hh + self.b_h)
            states.append(h)
        return states, h


class BothWays(nn.Module):
    """Batch first, two scans of the same class."""

    turned_back = True

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.there, self.back = Scan(n_in, n_hid), Scan(n_in, n_hid)

    def forward(self, x):
        x = x.transpose(0, 1)
        there, back = self.there(x)[0], self.back(x.flip(0))[0]
        both = zip(there, back[::-1] if self.turned_back else back, strict=True)
        return torch.stack([torch.cat(pair, -1) for pair in both], dim=1)


class LeftReversed(BothWays):
    turned_back = False


class Layers(nn.Module):
    """A list of torch's cells, the states handed in and out as one tensor."""

    def __init__(self, width, depth=2):
        super().__init__()
        self.cells = nn.ModuleList(nn.RNNCell(width, width) for _ in range(depth))

    def forward(self, x, hidden):
        states, outputs = list(hidden), []
        for inputs in x:
            y = inputs
            for k, cell in enumerate(self.cells):
                y = states[k] = cell(y, states[k])
            outputs.append(y)
        return {"output": torch.stack(outputs), "hidden": torch.stack(states)}


class Interleaved(Layers):
    """Every layer reads x."""

    def forward(self, x, hidden):
        states, outputs = list(hidden), []
        for inputs in x:
            for k, cell in enumerate(self.cells):
                states[k] = cell(inputs, states[k])
            outputs.append(states[-1])
        return torch.stack(outputs), torch.stack(states)


class OneCell(Layers):
    """One cell stands in the list twice."""

    def __init__(self, width, depth=2):
        super().__init__(width)
        self.cells = nn.ModuleList([nn.RNNCell(width, width)] * depth)


class OneScan(BothWays):
    """One scan serves both directions."""

    def __init__(self, n_in, n_hid):
        super().__init__(n_in, n_hid)
        self.back = self.there


class ByKind(nn.Module):
    """Two layers, linear maps kept by what they do; a step a call, states as a list."""

    def __init__(self, n_in, n_hid, n_out):
        super().__init__()
        self.i2h = nn.ModuleList([nn.Linear(n_in, n_hid), nn.Linear(n_hid, n_hid)])
        self.h2h = nn.ModuleList([nn.Linear(n_hid, n_hid, bias=False) for _ in range(2)])
        self.out = nn.Linear(n_hid, n_out)

    def forward(self, x_t, states):
        new = []
        for i2h, h2h, h in zip(self.i2h, self.h2h, states, strict=True):
            x_t = torch.tanh(i2h(x_t) + h2h(h))
            new.append(x_t)
        return self.out(x_t), new


class LearnedStart(Scan):
    """Starts from a parameter."""

    def __init__(self, n_in, n_hid):
        super().__init__(n_in, n_hid)
        self.start = nn.Parameter(torch.zeros(n_hid))

    def forward(self, x):
        return torch.stack(super().forward(x, self.start.expand(x.shape[1], -1))[0])


class OneSample(nn.Module):
    """x (T, I) and no batch."""

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.W, self.U = nn.Parameter(torch.zeros(n_hid, n_in)), nn.Parameter(torch.zeros(n_hid, n_hid))

    def forward(self, seq):
        h, states = seq.new_zeros(len(self.U)), []
        for x in seq:
            h = torch.tanh(self.W @ x + self.U @ h)
            states.append(h)
        return torch.stack(states)


class InSingle(Scan):
    """Computes in float32 whatever it is given."""

    def forward(self, x):
        return torch.stack(super().forward(x.float(), torch.zeros(x.shape[1], self.b_h.shape[1]).float())[0])


class Sigmoid(Scan):
    def forward(self, x):
        h, states = torch.zeros(x.shape[1], self.b_h.shape[1]), []
        for x_t in x:
            h = torch.sigmoid(x_t @ self.W_xh + h @ self.W_hh + self.b_h)
            states.append(h)
        return torch.stack(states)


class Gated(nn.Module):
    cell = nn.GRUCell
    cut = False

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.n_hid = n_hid
        self.gru = self.cell(n_in, n_hid)

    def forward(self, x):
        h, states = torch.zeros(x.shape[1], self.n_hid), []
        for x_t in x:
            h = self.gru(x_t, h.detach() if self.cut else h)
            states.append(h)
        return torch.stack(states)


class GatedAndCut(Gated):
    cut = True


class Relu(Gated):
    @staticmethod
    def cell(n_in, n_hid):
        return nn.RNNCell(n_in, n_hid, nonlinearity="relu")


class LearnsNothingBelow(nn.Module):
    """The gradient ends between the layers, so that none at all reaches the lower one."""

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.lower, self.upper = nn.RNN(n_in, n_hid), nn.RNN(n_hid, n_hid)

    def forward(self, x):
        return self.upper(self.lower(x)[0].detach())[0]


class LastOfTheTop(nn.Module):
    """Gives nothing but the last state of the last layer."""

    def __init__(self, n_in, n_hid):
        super().__init__()
        self.rnn = nn.RNN(n_in, n_hid, 2)

    def forward(self, x):
        return self.rnn(x)[1][-1]


TORCHS_OWN = nn.RNN(3, 5, num_layers=2, bidirectional=True, batch_first=True)
SEQUENCE = nn.Sequential(nn.RNN(3, 5, num_layers=2))


@pytest.mark.parametrize(
    "module",
    [Scan, BothWays, Layers, ByKind, LearnedStart, OneSample, InSingle, Relu, TORCHS_OWN, SEQUENCE],
    ids=lambda m: getattr(m, "__name__", type(m).__name__),
)
def test_a_right_module_conforms(module):
    found = check(module)
    assert found.verdict == "conforms", str(found)
    assert found.record.backward == "agrees"


@pytest.mark.parametrize(
    ("module", "fault"),
    [
        (LeftReversed, "reverse-output-not-turned-back"),
        (Interleaved, "layer-reads-x"),
        (OneCell, "layers-share-one-cell"),
        (OneScan, "reverse-with-forward-weights"),
    ],
)
def test_a_mistake_of_a_stack_is_named_and_none_of_a_backward_pass(module, fault):
    found = check(module)
    assert found.record.exit_code == 1
    assert [each.id for each in found.diagnosis.faults] == [fault]


@pytest.mark.parametrize(("module", "code"), [(Sigmoid, 0), (Gated, 0), (GatedAndCut, 1)])
def test_another_network_is_held_against_its_own_forward_pass(module, code):
    found = check(module)
    assert (found.verdict, found.record.exit_code) == ("another-network", code), str(found)


def test_a_start_is_handed_over_where_an_argument_is_called_so():
    assert next(p for p in check(Scan).record.parts if p.id == "initial-state").holds
    assert (
        "called with x (T, B, I), h (L·D, B, H); gradients by autograd"
        in check(Layers).record.interface.lines
    )


def test_a_learned_start_is_told():
    assert "start = h_0" in check(LearnedStart).record.interface.lines


class Scaled(Scan):
    """Its last state is right and its output isn't."""

    def forward(self, x, state=None):
        states, h = super().forward(x, state)
        return torch.stack(states) * 0.9, h


def test_an_output_that_is_wrong_is_not_passed_over_for_a_state_that_is_right():
    record = check(Scaled).record
    assert (record.verdict, record.exit_code) == ("differs", 1)
    assert record.first_divergence.quantity in ("h", "output")


def test_a_gradient_that_reaches_no_parameter_is_0_and_wrong():
    found = check(LearnsNothingBelow)
    assert (found.verdict, found.record.forward, found.record.backward) == ("differs", "agrees", "differs")
    assert "cuts the graph" in found.diagnosis.known[-1]


def test_what_is_not_recognised_is_no_other_network():
    assert check(LastOfTheTop).verdict == "not-called"


FILE = """
import torch
class Only(torch.nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.rnn = torch.nn.RNN(n_in, n_hid)
    def forward(self, x, h=None):
        return self.rnn(x, h)
net = Only(3, 5)
"""


@pytest.mark.parametrize("name", ["", ":Only", ":net"])
def test_the_one_module_of_a_file_needs_no_name(name, tmp_path):
    (tmp_path / "only.py").write_text(FILE)
    target = f"{tmp_path / 'only.py'}{name}"
    assert (
        checked_target(target, "", Request.on_the_command_line(target), lambda _: None).verdict == "conforms"
    )


class Optional(nn.Module):
    """As many of torch's cells as asked for, one by default."""

    residual = False

    def __init__(self, input_size, hidden_size, num_layers=1):
        super().__init__()
        widths = [input_size, *[hidden_size] * (num_layers - 1)]
        self.cells = nn.ModuleList(nn.RNNCell(width, hidden_size) for width in widths)

    def forward(self, x):
        for depth, cell in enumerate(self.cells):
            h, states = x.new_zeros(x.shape[1], cell.hidden_size), []
            for x_t in x:
                h = cell(x_t, h)
                states.append(h + x_t if self.residual and depth else h)
            x = torch.stack(states)
        return x


class OptionallyResidual(Optional):
    residual = True


def test_a_class_with_any_number_of_layers_is_asked_with_two():
    right, residual = check(Optional).record, check(OptionallyResidual).record
    assert (right.verdict, residual.verdict) == ("conforms", "undecided")
    assert any("cells.1.weight_hh" in line for line in right.interface.lines)
    assert "with num_layers=2 it gives other outputs than torch's stack of layers" in residual.headline
