"""Text as it is looked for: without case, marks, script or the way a phone number was written."""

from __future__ import annotations

import re
import unicodedata

_UNMARKED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ё": "е",
     "'": "", "’": "", "ʼ": "", "`": "", "ъ": "", "ь": ""}
)  # fmt: skip
_LATIN = str.maketrans(
    {"а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
     "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
     "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ы": "y",
     "э": "e", "ю": "yu", "я": "ya", "і": "i", "ї": "i", "є": "e", "ґ": "g"}
)  # fmt: skip
_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("shch|sch|sh|zh|ch|cz|sz|s", "s"), ("ts|tz|c|z", "s"), ("kh|ck|k|q|h", "k"), ("x", "ks"),
        ("ph|f|v|w", "v"), ("[yij]+", "i"), ("io", "e"), ("i([aeou])", r"\1"), ("o", "a"), ("g", "k"),
        (r"(.)\1+", r"\1"),
    )
]  # fmt: skip
_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)
_PHONE_LIKE = re.compile(r"[+\d\s().\-/]{4,}")
_DIGITS = re.compile(r"\d+")
SOUND_MIN = 4
"""Letters below which sounds are too few to tell words apart."""
TOKENS_MAX = 8


def fold(text: str) -> str:
    """Lower case without marks or punctuation: `Ștefan` and `STEFAN`, `Ё` and `е` are one."""
    lowered = text.casefold().translate(_UNMARKED)
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c)
    )
    return _NOT_WORD.sub(" ", plain.replace("_", " ").translate(_UNMARKED)).strip()


def latin(folded: str) -> str:
    """Folded text with its Cyrillic letters written in Latin ones."""
    return folded.translate(_LATIN)


def sound(word: str) -> str:
    """What is left of a folded word when ways of transliterating it are evened out."""
    text = latin(word)
    for pattern, heard in _SOUNDS:
        text = pattern.sub(heard, text)
    return text


def search_text(*parts: str | None, phones: tuple[str | None, ...] = ()) -> str:
    """What a row is found by: folded words, `~` and the sound of each, `#` and phone digits."""
    folded = fold(" ".join(p for p in parts if p))
    sounds = dict.fromkeys(f"~{sound(w)}" for w in folded.split() if len(w) >= SOUND_MIN)
    digits = dict.fromkeys("#" + "".join(_DIGITS.findall(p)) for p in phones if p)
    return " ".join((folded, *sounds, *digits))


def needles(query: str) -> list[tuple[str, ...]]:
    """For each word of a query the texts of which a row must hold at least one."""
    if _PHONE_LIKE.fullmatch(query.strip()):
        return [_phone_needles(query)]
    return [_word_needles(word) for word in fold(query).split()[:TOKENS_MAX]]


def _word_needles(word: str) -> tuple[str, ...]:
    heard = sound(word)
    is_heard = len(word) >= SOUND_MIN and not word.isdigit() and len(heard) > 2
    return (word, f"~{heard}") if is_heard else (word,)


def _phone_needles(query: str) -> tuple[str, ...]:
    """Digits as typed, without the trunk prefix, and the national part of a long number."""
    digits = "".join(_DIGITS.findall(query)).removeprefix("00")
    variants = [digits, digits.lstrip("0")]
    if len(digits) == 11 and digits[0] == "8":  # Russia's trunk prefix
        variants.append(digits[1:])
    if len(digits) >= 11:
        variants.append(digits[-9:])
    spaced = " ".join(_DIGITS.findall(query))  # also a house number or a code, as it was typed
    return tuple(dict.fromkeys(v for v in (*variants, spaced) if v))
