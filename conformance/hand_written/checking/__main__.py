"""`python -m conformance.hand_written.checking`: the keeper of the processes in which checks run foreign code."""

from conformance.hand_written.checking.keeper import main
from conformance.hand_written.checking.starting import usual

if __name__ == "__main__":
    main(usual())
