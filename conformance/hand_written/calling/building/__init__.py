"""What holds the weights of a network, made for the sizes of a problem: objects, records, modules, lists."""
