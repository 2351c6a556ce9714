"""A clean NumPy RNN: the executable specification of torch.nn.RNN, forward and BPTT."""

from refrnn._rnn import RNN as RNN
from refrnn._trace import Gradients as Gradients
from refrnn._trace import Trace as Trace

__all__ = ["RNN", "Gradients", "Trace"]
