"""Right networks in every form in which their interface is found, and the constant that some have on all gradients."""

from support.written_abroad import FINNISH, LOGIT, RECORD, VECTOR, VOCABULARY, WORDS
from support.written_classes import (
    BEGUN,
    CHORDS,
    CONFIGURED,
    FIXED_SIZES,
    IN_PLACE,
    JOINED,
    STACKED,
    STEPS_THEN_ALL,
    TRUNCATED_IDS,
    TWO_WIDTHS,
)
from support.written_functions import (
    CELL,
    CLOSURE,
    COUPLED,
    DICT,
    GLOBALS,
    LIST_OF_PARAMETERS,
    PULLBACK,
    RECORDS,
)

RIGHT = {
    "in place": IN_PLACE,
    "a vector of parameters": VECTOR,
    "words in a table": WORDS,
    "names in another language": FINNISH,
    "a vocabulary written down": VOCABULARY,
    "logits, binary cross-entropy": LOGIT,
    "given a record of weights": RECORD,
    "globals": GLOBALS,
    "dict": DICT,
    "joined": JOINED,
    "closure": CLOSURE,
    "stacked": STACKED,
    "fixed sizes": FIXED_SIZES,
    "steps, then all": STEPS_THEN_ALL,
    "truncated, on ids": TRUNCATED_IDS,
    "list of parameters": LIST_OF_PARAMETERS,
    "cell": CELL,
    "training on lists of sequences": IN_PLACE.replace(
        "    def backward(self, d_y, lr=0.01):\n",
        "    def train(self, sequences, targets, lr, epochs=1000):\n"
        "        for _ in range(epochs):\n"
        "            for inputs, target in zip(sequences, targets):\n"
        "                self._learn(self.forward(inputs) - target, lr)\n"
        "    def _learn(self, d_y, lr):\n",
    ),
    "binary cross-entropy": CHORDS,
    "made by a function of another name": COUPLED,
    "begun before a sequence": BEGUN,
    "two widths, logarithms of softmax": TWO_WIDTHS,
    "sizes in a dataclass": CONFIGURED,
    "forward returns the backward pass": PULLBACK,
    "weights, tape and gradients in named tuples": RECORDS,
    "functions and their weights": CLOSURE.replace(
        "return forward, backward", "return forward, backward, {'Wx': Wx}"
    ),
}
CONSTANT = {"joined": 2.0}
