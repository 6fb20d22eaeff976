"""Figures of tracked runs: pure functions from numbers to matplotlib's figures, a file a kind."""
