"""The built-in data set: characters of many scripts, drawn from fonts that matplotlib ships.

It needs no download, so that everything can be tried and tested at once. Every drawing is a glyph
of some face, bent, with uneven ink on textured paper, between strokes of clutter and partly rubbed
out, so that one labelled drawing leaves doubts that unlabelled ones can help with. All arithmetic
that decides a pixel is elementwise (no BLAS, no transcendental functions), so that the images of
one version of Pillow's FreeType are the same bytes on every machine.
"""

from functools import partial

import matplotlib
import numpy as np
import PIL

from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.glyph_characters import distinct_characters
from fewshot_bench.data.glyph_drawing import SIZE, drawings
from fewshot_bench.data.glyph_fonts import FACES, characters_of, clean_glyph
from fewshot_bench.data.glyph_scripts import SCRIPTS, VERSION

DRAWINGS = 20  # of every character


def glyphs() -> Content:
    """Return the content of the data set; drawings are made when they are read."""
    splits = {
        split: [ClassImages(c.name, DRAWINGS, partial(draw, c.code)) for c in characters]
        for split, characters in distinct_characters().items()
    }
    provenance: dict[str, object] = {
        "source": "drawn by fewshot_bench from the DejaVu fonts that matplotlib ships",
        "version": VERSION,
        "drawn with": f"matplotlib {matplotlib.__version__}, Pillow {PIL.__version__}",
        "split": {split: list(scripts) for split, scripts in SCRIPTS.items()},
        "images": "28x28, ink brighter than paper; bent, cluttered, partly rubbed out, noisy",
        "order": "as drawn",
    }
    return Content((SIZE, SIZE, 1), splits, provenance)


def draw(code: int) -> Images:
    """Draw a character `DRAWINGS` times, uint8 ``[DRAWINGS, SIZE, SIZE, 1]``."""
    random = np.random.Generator(np.random.Philox(key=[VERSION, code]))
    faces = [clean_glyph(face, code) for face in FACES if code in characters_of(face)]
    brightness = drawings(np.stack(faces), DRAWINGS, random)
    return np.rint(255 * brightness).astype(np.uint8)[..., None]
