"""The errors that a user of this package may meet."""


class ConformanceError(Exception):
    """Anything this package refuses or can't do, told in a sentence."""


class UsageError(ConformanceError):
    """What was asked for can't be done as it was asked; the message says how it can."""


class Unsupported(ConformanceError):  # noqa: N818 - a verdict's name, not a mistake
    """A subject can't run this case at all; the message is the reason."""
