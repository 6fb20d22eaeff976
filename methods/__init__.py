"""The harness's own methods: SIB and what builds on it; one file, one name."""
