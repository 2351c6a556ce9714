"""Code judged as its own script uses it: a training step is watched, run again and differentiated numerically.

files       the files of a project, near a folder
drivers     which scripts show how a target is used: its own, or those next to it that import it
stage       a driver run statement by statement, with what is missing made up and nothing changed outside
arrays      every array that can be reached from the frames and modules of foreign code
watching    the events of a run, when arrays change, and what a step computes
written     numbers that the source computes at other times, such as a loss after some epochs
training    one step of training, found while it runs, and run again in copies of the process
parameters  which of the arrays that it changes are parameters, and values of our own for them
own_loss    which of the numbers computed on the way is the loss, and whether the update goes by its gradient
as_used     what all that comes to, as the record of a check
"""

from conformance.hand_written.by_example.as_used import checked_as_used, denied_as_used

__all__ = ["checked_as_used", "denied_as_used"]
