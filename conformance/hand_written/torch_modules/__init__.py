"""Hand-written torch modules: found out how they are called and which parameter is which, and shown as subjects."""
