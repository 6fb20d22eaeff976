"""Results that travel: files of finished runs, and runs gathered from these and a store."""
