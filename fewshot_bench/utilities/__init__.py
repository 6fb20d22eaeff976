"""What any room may use: files, tensors, locks, signals, memory, progress, optional libraries."""
