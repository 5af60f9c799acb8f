"""NumPy's functions on tensors: `np.sin(t)` and `np.concatenate([t, a])` give tensors.

Imported by the first such call. What has an op of the same meaning runs as that op (and is differentiable);
all else is computed by NumPy on arrays that share the tensors' memory, and its results become tensors.
"""
