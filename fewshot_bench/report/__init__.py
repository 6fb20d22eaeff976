"""Tables of tracked runs: which cells there are, and how each format writes them."""
