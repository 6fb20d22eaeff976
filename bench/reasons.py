"""Why a row misses its aim, by name; in the report beside the row's profile."""

REASONS: dict[str, str] = {}
