"""Networks that somebody wrote by hand: called, judged, and told what is wrong with them, and how to mend it."""
