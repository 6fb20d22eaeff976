"""What several methods inherit from."""
