"""One self-contained HTML page about a study: the question, the answer, and all that it rests on."""
