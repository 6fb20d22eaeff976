"""What is timed of the harness: each script prints one JSON line."""
