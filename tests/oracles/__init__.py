"""Second opinions: everything here computes without `refrnn`, or only feeds it."""
