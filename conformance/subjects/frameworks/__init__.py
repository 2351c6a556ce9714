"""Other frameworks than torch as subjects, one file each; none imports its framework before it runs."""
