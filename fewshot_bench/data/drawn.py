"""Data sets that the harness draws itself, known by name without the plugins, that is, torch."""

from collections.abc import Mapping

from fewshot_bench.data.glyph_scripts import VERSION

# Version of what this code draws, as its provenance has it; what another one drew is drawn anew.
DRAWN: Mapping[str, int] = {"glyphs": VERSION}
