"""Whatever bytes come: a value, or one line that says what is wrong."""
