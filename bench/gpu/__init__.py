"""What is to be measured on a GPU, in resumable pieces; `python -m bench.gpu --help`."""
