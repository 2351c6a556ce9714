"""Records set against each other: what became better or worse between two, and several made one."""
