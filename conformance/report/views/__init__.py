"""View models: a record boiled down to what readers want of it, as data that reports only lay out."""
