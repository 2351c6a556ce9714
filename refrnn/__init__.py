"""Clean NumPy RNNs: the executable specification of torch.nn.RNN, LSTM and GRU, forward and BPTT."""

from refrnn._conventions import Convention as Convention
from refrnn._elman import ElmanCell as ElmanCell
from refrnn._layout import Layout as Layout
from refrnn._linear import Linear as Linear
from refrnn._linear import LinearGradients as LinearGradients
from refrnn._linear import LinearTrace as LinearTrace
from refrnn._losses import cross_entropy as cross_entropy
from refrnn._losses import softmax as softmax
from refrnn._losses import squared_error as squared_error
from refrnn._network import Network as Network
from refrnn._rnn import GRU as GRU
from refrnn._rnn import LSTM as LSTM
from refrnn._rnn import RNN as RNN
from refrnn._rnn_cell import CellGradients as CellGradients
from refrnn._rnn_cell import CellTrace as CellTrace
from refrnn._rnn_cell import GRUCell as GRUCell
from refrnn._rnn_cell import LSTMCell as LSTMCell
from refrnn._rnn_cell import RNNCell as RNNCell
from refrnn._segments import SegmentedGradients as SegmentedGradients
from refrnn._segments import SegmentedTrace as SegmentedTrace
from refrnn._sequence_model import LossGradients as LossGradients
from refrnn._sequence_model import SequenceModel as SequenceModel
from refrnn._sgd import sgd as sgd
from refrnn._trace import Gradients as Gradients
from refrnn._trace import Trace as Trace
from refrnn._types import Array as Array
from refrnn._types import Weights as Weights

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Array",
    "CellGradients",
    "CellTrace",
    "Convention",
    "ElmanCell",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "Layout",
    "Linear",
    "LinearGradients",
    "LinearTrace",
    "LossGradients",
    "Network",
    "RNNCell",
    "SegmentedGradients",
    "SegmentedTrace",
    "SequenceModel",
    "Trace",
    "Weights",
    "cross_entropy",
    "sgd",
    "softmax",
    "squared_error",
]
