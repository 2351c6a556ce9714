"""torch.nn.RNN as a black box: its results only, to be judged end to end."""

from dataclasses import replace

from msgspec import Struct

from conformance.cases import Problem
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import TorchFused


class TorchResults(Struct, frozen=True):
    """The fused module without the steps that its graph shows, as a GPU or a compiled module would be seen."""

    name: str = "torch-results"
    description: str = "torch.nn.RNN on whole sequences, its results only"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward and return every public quantity."""
        return replace(
            TorchFused().run(problem), hidden={}, d_hidden={}, d_pre={}, inner={}, d_inner={}, d_passed={}
        )


SUBJECT = TorchResults()
