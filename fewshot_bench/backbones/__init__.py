"""Networks that map images to features, one family a file."""
