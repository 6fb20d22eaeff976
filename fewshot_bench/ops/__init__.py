"""Numerics that methods and networks share."""
