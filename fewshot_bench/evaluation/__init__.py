"""Evaluation: every method on the same episodes, from embeddings computed once."""
