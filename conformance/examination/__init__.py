"""One case from start to end: a subject is run on it and judged, and what came out becomes a record."""
