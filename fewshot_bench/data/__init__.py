"""Image data sets: one memory-mapped uint8 array a split, with names, checksum and provenance."""
