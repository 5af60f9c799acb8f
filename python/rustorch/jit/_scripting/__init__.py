"""The compiler of `rustorch.jit.script`: Python source to a graph with control flow."""
