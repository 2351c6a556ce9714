"""Losses that are told by their targets: a network whose outputs are wrong meets another dL/dy than a right one.

Softmax with cross-entropy on ids makes dL/dy = softmax(y) − one-hot of the network's own y. A problem holds that of the
right y, so beside a wrong forward pass the gradient of every loss must be told anew.
"""

from dataclasses import replace

from msgspec import structs

from conformance.faults import RIGHT, Choices, simulate
from conformance.faults.call import first_call
from conformance.hand_written.diagnosis.forwards import ALL_SEAMS
from conformance.hand_written.diagnosis.material import Material
from refrnn import Array, softmax


def after_its_own_forward(material: Material, choices: Choices) -> Material:
    """Return `material` with the dL/dy that a network of `choices` meets."""
    problem = material.problem
    wrong = any(seam in ALL_SEAMS for seam in choices.departures())
    if not (material.crossed and wrong) or problem.head is None or problem.head.d_y is None:
        return material
    own, right = _outputs(material, choices), _outputs(material, RIGHT)
    d_y = problem.layout.time_major(problem.head.d_y) + softmax(own) - softmax(right)
    if problem.case.cotangents == "last":
        d_y[:-1] = 0
    head = replace(problem.head, d_y=problem.layout.restored(d_y))
    changed = replace(problem, head=head, d_output=head.d_output)
    return structs.replace(material, problem=changed, call=first_call(changed, RIGHT))


def _outputs(material: Material, choices: Choices) -> Array:
    """Return y (T, B, O) of a network."""
    problem = material.problem
    return problem.layout.time_major(simulate(problem, choices).y)
