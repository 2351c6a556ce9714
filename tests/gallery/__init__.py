"""Hand-written networks with known truth."""
