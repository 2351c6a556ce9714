"""From a target to the definitions of its module: source texts, statements run, stand-ins for what is missing."""
