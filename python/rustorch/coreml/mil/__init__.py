"""The model intermediate language (MIL) of Core ML: programs as data, and their text."""
