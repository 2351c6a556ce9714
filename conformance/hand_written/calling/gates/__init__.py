"""LSTM and GRU by value: which block of rows of which array is which gate, however code lays them out."""
