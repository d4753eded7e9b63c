"""The app's icon: the rep's arrow on the accent colour, drawn at any size."""

from __future__ import annotations

from PIL import Image, ImageDraw

GROUND = "#0a645b"
ARROW = "#ffffff"
_ARROW = ((12, 2.5), (20, 21), (12, 16.5), (4, 21))
"""In a 24 x 24 box: the same arrow as a moving rep's."""
_OVERSAMPLE = 4


def draw(size: int, padding: float = 0.0) -> Image.Image:
    """A square icon; `padding` (share of the side) keeps a maskable one's arrow in the safe zone."""
    side = size * _OVERSAMPLE
    image = Image.new("RGBA", (side, side), GROUND if padding else (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if not padding:
        pen.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * 0.23, fill=GROUND)
    margin = 0.2 + padding
    scale = side * (1 - 2 * margin) / 24
    pen.polygon([(side * margin + x * scale, side * margin + y * scale) for x, y in _ARROW], ARROW)
    return image.resize((size, size), Image.Resampling.LANCZOS)
