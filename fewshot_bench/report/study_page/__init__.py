"""One self-contained page about a study: question, answer, and what they rest on."""
