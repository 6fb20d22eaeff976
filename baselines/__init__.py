"""Published methods to compare against; one file, one name."""
