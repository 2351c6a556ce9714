"""The backward pass found by trying: how it is called, how the loss gets in, where the gradients are left."""
