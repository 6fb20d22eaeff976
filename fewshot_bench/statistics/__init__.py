"""Statistics of results: intervals and paired comparisons."""
