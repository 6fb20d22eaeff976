"""Runs: what a command asks for, and how it is carried out."""
