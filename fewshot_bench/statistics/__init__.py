"""Statistics of results and answers: intervals, paired comparisons, metrics."""
