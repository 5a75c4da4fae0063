"""Measures how long pieces of work take, ours and its peers' alternating: ``python -m benchmarks``."""
