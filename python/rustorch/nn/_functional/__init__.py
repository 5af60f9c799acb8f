"""Functions of ``rustorch.nn.functional`` that are compositions of core operations."""
