"""What names and source texts suggest. Hints only order the hypotheses; values decide."""
