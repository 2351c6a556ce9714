"""The forward pass found by trying: how it is called, what its results are, which mistake it may have."""
