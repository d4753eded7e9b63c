"""Text as it is looked for: without case, marks, script or the way a phone number was written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

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
_QUOTES = re.compile("['`]")
_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)
_PHONE_LIKE = re.compile(r"[+\d\s().\-/]{4,}")
_DIGITS = re.compile(r"\d+")
_BETWEEN_NUMBERS = re.compile(r"[;,/|\n]|\s(?:и|și|or|and|доб\.?|ext\.?)\s", re.IGNORECASE)
SOUND_MIN = 4
"""Letters below which sounds are too few to tell words apart."""
TOKENS_MAX = 8
PHONE_MIN = 7
"""Digits from which on a number is surely a phone's."""
TERM_MOST = 40
"""Characters of a term that are kept."""


def fold(text: str) -> str:
    """Lower case without marks or punctuation: `Ștefan` and `STEFAN`, `Ё` and `е` are one."""
    if text.isascii():
        return _NOT_WORD.sub(" ", _QUOTES.sub("", text.lower()).replace("_", " ")).strip()
    return " ".join(filter(None, map(_fold_word, text.split())))


@lru_cache(maxsize=50_000)
def _fold_word(text: str) -> str:
    """What stands between two spaces: streets, cities and specialties come again and again."""
    lowered = unicodedata.normalize("NFKD", text).casefold().translate(_UNMARKED)
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c)
    )
    return _NOT_WORD.sub(" ", plain.replace("_", " ").translate(_UNMARKED)).strip()


def latin(folded: str) -> str:
    """Folded text with its Cyrillic letters written in Latin ones."""
    return folded if folded.isascii() else folded.translate(_LATIN)


@lru_cache(maxsize=50_000)
def sound(word: str) -> str:
    """What is left of a folded word when ways of transliterating it are evened out."""
    text = latin(word)
    for pattern, heard in _SOUNDS[-1:] if text.isdecimal() else _SOUNDS:
        text = pattern.sub(heard, text)
    return text


def search_text(*parts: str | None, phones: tuple[str | None, ...] = ()) -> str:
    """What a row is found by: folded words, `~` and the sound of each, `#` and phone digits."""
    folded = fold(" ".join(p for p in parts if p))
    sounds = dict.fromkeys(f"~{sound(w)}" for w in folded.split() if len(w) >= SOUND_MIN)
    digits = dict.fromkeys(f"#{n}" for p in phones if p for n in _numbers(p))
    return " ".join((folded, *sounds, *digits))


def _numbers(cell: str) -> list[str]:
    """The digits of each number in a cell that may hold several."""
    digits = ("".join(_DIGITS.findall(part)) for part in _BETWEEN_NUMBERS.split(cell))
    return [d for d in digits if d]


def terms(found_by: str) -> set[str]:
    """The keys of an index over a row's `search_text`: each word in Latin letters; of a phone number
    `#` and its digits from the last to the first, `+` and its digits as dialled."""
    made: set[str] = set()
    for part in found_by.split():
        if part.startswith("#"):
            made |= {f"#{part[:0:-1]}"[:TERM_MOST], f"+{part[1:]}"[:TERM_MOST]}
        elif not part.startswith("~"):
            made.add(latin(part)[:TERM_MOST])
    return made - {""}


def _is_phone_like(query: str) -> bool:
    return _PHONE_LIKE.fullmatch(query.strip()) is not None and _DIGITS.search(query) is not None


def beginnings(query: str) -> list[tuple[str, ...]]:
    """For each word of a query what a row's term begins with (any of them), as `needles` has them."""
    if _is_phone_like(query):
        return [_phone_beginnings(query)]
    return [((latin(word) or word)[:TERM_MOST],) for word in fold(query).split()[:TOKENS_MAX]]


def _phone_beginnings(query: str) -> tuple[str, ...]:
    """Numbers that end so; those that begin so, where it is told or enough is there of it; and a
    house number or code, which is never written in as many parts as a phone number."""
    digits, groups = _phone_variants(query), _DIGITS.findall(query)
    is_whole = len(digits[0]) >= PHONE_MIN
    is_from_the_start = is_whole or query.strip().startswith(("+", "00"))
    found = [f"#{d[::-1]}" for d in (digits if is_whole else digits[:1])]
    found += [f"+{d}" for d in digits] if is_from_the_start else []
    is_code = len(groups) == 1 or not is_whole
    return (*found, *([max(groups, key=len)] if is_code else []))


def with_one_less(word: str) -> set[str]:
    """A word and what is left of it without any one letter: words a slip apart share one of these."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def is_one_slip(typed: str, word: str) -> bool:
    """Whether one letter wrong, missing, too many, or changed with the next makes one the other."""
    start = next((i for i, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), None)
    if start is None:
        return abs(len(typed) - len(word)) <= 1
    a, b = typed[start:], word[start:]
    is_swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or is_swapped


def needles(query: str) -> list[tuple[str, ...]]:
    """For each word of a query the texts of which a row must hold at least one."""
    if _is_phone_like(query):
        return [_phone_needles(query)]
    read = zip(fold(query).split(), fold(_as_rounded(query)).split(), strict=False)
    return [_word_needles(*words) for words in [*read][:TOKENS_MAX]]


def _as_rounded(query: str) -> str:
    """With ё and ю as the ö and y they stand for in Finnish and German names: Тёёлё, Юрьёнкату."""
    text = unicodedata.normalize("NFC", query)
    for written, meant in (("ьё", "йо"), ("ё", "о"), ("ю", "и")):
        text = text.replace(written, meant).replace(written.upper(), meant)
        text = text.replace(written.capitalize(), meant)
    return text


def _word_needles(word: str, rounded: str) -> tuple[str, ...]:
    if len(word) < SOUND_MIN or word.isdigit():
        return (word,)
    heard = dict.fromkeys((sound(word), sound(rounded)))
    return (word, *(f"~{h}" for h in heard if len(h) > 2))


def asks_nothing(query: str) -> bool:
    """Whether something was typed in which no letter or digit is, as `%`: it finds nobody."""
    return bool(query.strip()) and not needles(query)


def _phone_needles(query: str) -> tuple[str, ...]:
    spaced = " ".join(_DIGITS.findall(query))  # also a house number or a code, as it was typed
    return tuple(dict.fromkeys(v for v in (*_phone_variants(query), spaced) if v))


def _phone_variants(query: str) -> list[str]:
    """Digits as typed, without the trunk prefix, and the national part of a long number."""
    digits = "".join(_DIGITS.findall(query)).removeprefix("00")
    variants = [digits, digits.lstrip("0")]
    if len(digits) == 11 and digits[0] == "8":  # Russia's trunk prefix
        variants.append(digits[1:])
    if len(digits) >= 11:
        variants.append(digits[-9:])
    return list(dict.fromkeys(v for v in variants if v))
