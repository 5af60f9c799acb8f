"""What bench/gpu.py measures: a module for each kind of work, each a generator of cases."""
