"""Opening hours as people write them, in OpenStreetMap's syntax; what isn't understood is not invented."""

from __future__ import annotations

import re
from functools import lru_cache

from opening_hours import (
    OpeningHours,
    ParserError,  # pyright: ignore[reportAttributeAccessIssue]
)

_DAYS = {  # `ma` is left out: a Tuesday in one language, a Monday in another
    "Mo": "monday mon mo понедельник пон пн luni lun lu l",
    "Tu": "tuesday tue tues tu вторник втор вт marti mar",
    "We": "wednesday wed we среда сред ср miercuri mie mi",
    "Th": "thursday thu thur thurs th четверг четв чт joi jo j",
    "Fr": "friday fri fr пятница пятн пт vineri vin vi v",
    "Sa": "saturday sat sa суббота субб сб sambata sam sb s",
    "Su": "sunday sun su воскресенье воскр вс duminica dum du d",
}
_DAY_OF = {word: day for day, words in _DAYS.items() for word in words.split()}
_ALWAYS = {"24/7", "24h", "24 h", "24 часа", "круглосуточно", "non stop", "nonstop", "24 ore"}
_DAILY = {"daily", "every day", "ежедневно", "каждый день", "zilnic"}
_OFF = {"closed", "off", "выходной", "вых", "закрыто", "inchis"}
_UNMARKED = str.maketrans("ăâîșşțţё", "aaisstte")
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?")
_SPAN = re.compile(rf"{_TIME.pattern}\s*-\s*{_TIME.pattern}")
_PART = re.compile(r"^(?P<days>[^\d]*?)[\s:]*(?P<times>\d.*)?$")
_FROM_TO = re.compile(r"\b(?:с|from|de la)\s+(?=\d)")
_TO = re.compile(r"(?<=\d)\s*(?:до|to|until|la|pana la)\s*(?=\d)")


@lru_cache(maxsize=20_000)
def normal(text: str) -> str | None:
    """The hours in OpenStreetMap's syntax, as they are when they are in it; None when not understood."""
    text = text.strip()
    if is_valid(text):
        return text
    made = _translated(text)
    return made if made and is_valid(made) else None


def is_valid(text: str) -> bool:
    """Whether a text is in OpenStreetMap's syntax."""
    try:
        OpeningHours(text)
    except (ParserError, SyntaxError, ValueError):
        return False
    return True


def _translated(text: str) -> str | None:
    plain = text.lower().translate(_UNMARKED).replace("–", "-").replace("—", "-")
    if plain.strip(" .") in _ALWAYS:
        return "24/7"
    plain = _TO.sub("-", _FROM_TO.sub("", plain))
    parts = [p.strip(" .") for p in re.split(r"[;\n]|,(?=\s*[^\d\s])", plain) if p.strip(" .")]
    made = [_part(p) for p in parts]
    return "; ".join(m for m in made if m) if made and all(made) else None


def _part(text: str) -> str | None:
    """`пн-пт 9-18` as `Mo-Fr 09:00-18:00`."""
    off = next((word for word in _OFF if text.endswith(word)), None)
    if off:
        days = _days(text.removesuffix(off).strip(" :-"))
        return f"{days} off" if days else None
    matched = _PART.match(text)
    if not matched or not matched["times"]:
        return None
    named = matched["days"].strip(" :-,.")
    days = "Mo-Su" if named in _DAILY else _days(named) if named else "Mo-Su"
    times = _times(matched["times"])
    return f"{days} {times}" if days and times else None


def _days(text: str) -> str | None:
    made = []
    for span in re.split(r"[,\s]+(?![-])(?<!-)|,", re.sub(r"\s*-\s*", "-", text)):
        ends = [_DAY_OF.get(word.strip(" .")) for word in span.split("-")]
        if not ends or len(ends) > 2 or None in ends:
            return None
        made.append("-".join(day for day in ends if day))
    return ",".join(made)


def _times(text: str) -> str | None:
    """`9-13, 14.30-18` as `09:00-13:00,14:30-18:00`; None for anything else in it."""
    spans = []
    for piece in re.split(r"[,/&]|\s(?:и|si|and)\s", text):
        matched = _SPAN.fullmatch(piece.strip(" .").removesuffix("ч").strip())
        if not matched:
            return None
        begin, end = _clock(*matched.groups()[:3]), _clock(*matched.groups()[3:])
        if begin is None or end is None:
            return None
        spans.append(f"{begin}-{end}")
    return ",".join(spans)


def _clock(hour: str, minute: str | None, half: str | None) -> str | None:
    h, m = int(hour), int(minute or 0)
    if half:
        if not 1 <= h <= 12:
            return None
        h = h % 12 + (12 if half == "pm" else 0)
    return f"{h:02}:{m:02}" if h <= 24 and m < 60 else None
