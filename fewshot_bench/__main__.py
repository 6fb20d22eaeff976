"""``python -m fewshot_bench``: the same as ``fsbench``."""

from fewshot_bench.cli import main

if __name__ == "__main__":
    main()
