"""Augmentation: its strength, and what it leaves alone."""

import torch

from fewshot_bench.data.augment import augment, color_jitter, luma, random_crop


def test_crops_are_windows_of_the_padded_image() -> None:
    pixels = torch.arange(1, 26, dtype=torch.uint8).view(1, 1, 5, 5).expand(64, 1, 5, 5)
    torch.manual_seed(0)
    crops = random_crop(pixels, 1, flip=True)
    padded = torch.nn.functional.pad(pixels[:1], (1, 1, 1, 1))
    windows = padded.unfold(2, 5, 1).unfold(3, 5, 1).reshape(9, 5, 5)
    allowed = {tuple(w.flatten().tolist()) for w in torch.cat([windows, windows.flip(-1)])}
    seen = {tuple(c.flatten().tolist()) for c in crops}
    assert seen <= allowed
    assert len(seen) > 10


def test_colour_jitter_stays_in_range_and_keeps_grey_grey() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(256, (16, 3, 8, 8), dtype=torch.uint8)
    jittered = color_jitter(pixels)
    assert 0 <= float(jittered.min()) <= float(jittered.max()) <= 255
    assert not torch.allclose(jittered, pixels.float())
    grey = color_jitter(pixels[:, :1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey[:, 0], grey[:, 2], rtol=1e-4, atol=1e-2)
    assert color_jitter(pixels, strength=0.0).equal(pixels.float())


def test_brightness_contrast_and_saturation_vary_by_forty_percent() -> None:
    """As SIB's main_feat.py has it; the three commute while no value is cut off."""
    torch.manual_seed(0)
    before = torch.tensor([[70.0, 80.0], [75.0, 85.0], [72.0, 82.0]]).view(1, 3, 1, 2)
    after = color_jitter(before.byte().expand(4000, -1, -1, -1))
    changes = []
    for images in (after, before):
        grey = luma(images)
        chroma = (images - grey)[:, 1].mean((1, 2))
        changes.append((grey.mean((1, 2, 3)), grey.diff()[:, 0, 0, 0], chroma))
    mean, spread, chroma = (now / then for now, then in zip(*changes, strict=True))
    factors = torch.stack([mean, spread / mean, chroma / spread])
    torch.testing.assert_close(factors.amin(1), torch.full((3,), 0.6), rtol=0, atol=0.01)
    torch.testing.assert_close(factors.amax(1), torch.full((3,), 1.4), rtol=0, atol=0.01)
    assert (torch.corrcoef(factors) - torch.eye(3)).abs().max() < 0.1


def test_natural_augmentation_is_a_jitter_of_what_shift_flip_gives() -> None:
    pixels = torch.randint(256, (4, 3, 8, 8), dtype=torch.uint8)
    torch.manual_seed(1)
    natural = augment(pixels, "natural")
    torch.manual_seed(1)
    assert natural.equal(color_jitter(augment(pixels, "shift-flip"), 0.4))


def test_no_augmentation_is_none() -> None:
    pixels = torch.randint(256, (2, 1, 8, 8), dtype=torch.uint8)
    assert augment(pixels, "none").equal(pixels)
