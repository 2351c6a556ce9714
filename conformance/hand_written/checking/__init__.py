"""Checks of hand-written networks: judged forward first, then backward, in several settings, told in a record."""
