"""Small pictures of a shelf, each its own, as a phone's camera would send them."""

from __future__ import annotations

import hashlib
import io
import random
from functools import lru_cache

from PIL import Image, ImageDraw

SIZE = (240, 180)


@lru_cache(maxsize=64)
def shelf(key: str) -> tuple[str, bytes]:
    """(SHA-256, JPEG bytes) of a shelf that a key always draws alike."""
    dice = random.Random(key)
    picture = Image.new("RGB", SIZE, _tone(dice, 190, 235))
    draw = ImageDraw.Draw(picture)
    for row in range(3):
        floor, x = 56 * (row + 1), 6
        draw.rectangle((0, floor, SIZE[0], floor + 4), fill=_tone(dice, 90, 140))
        while x < SIZE[0] - 14:
            wide, tall = dice.randint(10, 22), dice.randint(22, 48)
            if dice.random() < 0.85:
                draw.rectangle((x, floor - tall, x + wide, floor - 1), fill=_tone(dice, 40, 220))
            x += wide + dice.randint(2, 6)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60)
    content = out.getvalue()
    return hashlib.sha256(content).hexdigest(), content


def _tone(dice: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return dice.randint(low, high), dice.randint(low, high), dice.randint(low, high)
