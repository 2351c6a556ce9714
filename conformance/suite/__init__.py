"""The suite as tests: `pytest --pyargs conformance.suite -n auto`."""
