"""The forward pass of a network: where it reads and computes values, and the true adjoint of each."""
