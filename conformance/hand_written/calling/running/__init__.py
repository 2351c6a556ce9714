"""Foreign code run under limits, and what can be seen of it: arguments, local variables, everything within reach."""
