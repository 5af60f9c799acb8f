"""Core ML packages without Core ML: programs as data, read and written on any machine."""
