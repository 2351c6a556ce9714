"""Settings that every test shares."""

import os

import hypothesis
import torch

torch.set_num_threads(1)  # the number of threads changes rounding, and workers share the cores

hypothesis.settings.register_profile("quick", max_examples=30, deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = [
    "gallery/subjects",  # written as people write them: some run for ever
    "mutation",  # a program of its own, which `make mutants` runs
]
