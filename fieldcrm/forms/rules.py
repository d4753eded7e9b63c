"""What a form asks and whether answers keep its rules; `phone/src/forms/rules.ts` is its twin.

Values in, values out; tests/forms/cases.json is run on both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from fieldcrm.forms.expressions import holds, is_blank, number
from fieldcrm.forms.model import Answers, Checked, Facts, FormDefinition, FormField, Problem, Shelf

ID_MAX = 64
TEXT_MAX = 4000
NAME_MAX = 200
STROKES_MAX = 200
POINTS_MAX = 5000
CANVAS = 1000
"""A signature's points lie within 0..1000 across and down."""
NEXT_STEP = "next_step"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PHONE = re.compile(r"\+?[0-9 ().\-/]{1,40}")
DIGITS = (5, 15)
"""Of a phone number, country included."""
_EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,180}\.[^@\s,;<>.]{2,63}")

Wrong = tuple[str, dict[str, Any]] | None


def check(form: FormDefinition, answers: Answers, facts: Facts) -> Checked:
    """The answers that were asked for, and every rule they break, in the form's order."""
    known: dict[str, Any] = {"result": facts.result, "kind": facts.kind, "category": facts.category}
    kept: dict[str, Any] = {}
    problems: list[Problem] = []
    asked: set[str] = set()
    for field in form.fields:
        known[field.name] = None
        if field.when is not None and not holds(field.when, known):
            continue
        asked.add(field.name)
        value = answers.get(field.name)
        wrong = _wrong(field, value, known, facts)
        if wrong is not None:
            problems.append(Problem(field.name, *wrong))
        elif not _is_unanswered(field, value):
            kept[field.name] = known[field.name] = value
    problems += _unmet(form, asked, known)
    if form.next_step == "required" and not facts.has_next_step:
        problems.append(Problem(NEXT_STEP, "next_step_needed"))
    return Checked(kept, problems)


def _is_unanswered(field: FormField, value: Any) -> bool:
    if field.type == "signature" and isinstance(value, dict):
        return is_blank(value.get("strokes"))
    return is_blank(value) or (field.type == "agreement" and value is False)


def _wrong(field: FormField, value: Any, known: dict[str, Any], facts: Facts) -> Wrong:
    if _is_unanswered(field, value):
        needed = field.required_when is not None and holds(field.required_when, known)
        return ("required", {}) if field.required or needed else None
    return _TYPES[field.type](field, value, facts)


def _unmet(form: FormDefinition, asked: set[str], known: dict[str, Any]) -> Iterable[Problem]:
    """Checks between fields; one whose field isn't asked is not looked at."""
    for n, each in enumerate(form.checks):
        if each.field in asked and not holds(each.rule, known):
            yield Problem(each.field, "check", {"check": n})


# ---- each type of field ----

_WRONG_TYPE: Wrong = ("wrong_type", {})


def _values(field: FormField) -> set[str]:
    return {option.value for option in field.options}


def _choice(field: FormField, value: Any, _facts: Facts) -> Wrong:
    if not isinstance(value, str):
        return _WRONG_TYPE
    return None if value in _values(field) else ("not_an_option", {})


def _texts(value: Any, longest: int = ID_MAX) -> list[str] | None:
    """A list of different short texts; None for anything else."""
    if not isinstance(value, list) or len(value) > 500:
        return None
    if not all(isinstance(v, str) and 0 < len(v) <= longest for v in value):
        return None
    return value if len(set(value)) == len(value) else None


def _choices(field: FormField, value: Any, _facts: Facts) -> Wrong:
    chosen = _texts(value)
    if chosen is None:
        return _WRONG_TYPE
    if not set(chosen) <= _values(field):
        return ("not_an_option", {})
    return _counted(field, len(chosen))


def _counted(field: FormField, count: int) -> Wrong:
    if field.min is not None and count < field.min:
        return ("too_few", {"min": field.min})
    if field.max is not None and count > field.max:
        return ("too_many", {"max": field.max})
    return None


def _sized(field: FormField, size: float) -> Wrong:
    if field.min is not None and size < field.min:
        return ("too_small", {"min": field.min})
    if field.max is not None and size > field.max:
        return ("too_large", {"max": field.max})
    return None


def _number(field: FormField, value: Any, _facts: Facts) -> Wrong:
    told = number(value)
    if told is None:
        return _WRONG_TYPE
    if field.whole and told != int(told):
        return ("not_whole", {})
    return _sized(field, told)


def _money(field: FormField, value: Any, _facts: Facts) -> Wrong:
    """A sum in the field's unit, in hundredths at the finest."""
    told = number(value)
    if told is None:
        return _WRONG_TYPE
    if abs(told * 100 - round(told * 100)) > 1e-6 * max(1, abs(told)):
        return ("not_money", {})
    return _sized(field, told)


def _phone(_field: FormField, value: Any, _facts: Facts) -> Wrong:
    if not isinstance(value, str):
        return _WRONG_TYPE
    digits = sum(c.isdigit() for c in value)
    is_number = _PHONE.fullmatch(value) and DIGITS[0] <= digits <= DIGITS[1]
    return None if is_number else ("not_phone", {})


def _email(_field: FormField, value: Any, _facts: Facts) -> Wrong:
    if not isinstance(value, str):
        return _WRONG_TYPE
    return None if _EMAIL.fullmatch(value) else ("not_email", {})


def _text(field: FormField, value: Any, _facts: Facts) -> Wrong:
    if not isinstance(value, str):
        return _WRONG_TYPE
    longest = TEXT_MAX if field.max is None else min(field.max, TEXT_MAX)
    return ("too_long", {"max": longest}) if len(value) > longest else None


def _date(field: FormField, value: Any, facts: Facts) -> Wrong:
    day = _day(value)
    visited = _day(facts.day)
    if day is None or visited is None:
        return _WRONG_TYPE
    ahead = (day - visited).days
    if field.min is not None and ahead < field.min:
        return ("too_early", {"day": (visited + timedelta(days=int(field.min))).isoformat()})
    if field.max is not None and ahead > field.max:
        return ("too_late", {"day": (visited + timedelta(days=int(field.max))).isoformat()})
    return None


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value) or value < "1900" or value > "2200":
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _yes_no(_field: FormField, value: Any, _facts: Facts) -> Wrong:
    return None if isinstance(value, bool) else _WRONG_TYPE


def _photo(field: FormField, value: Any, facts: Facts) -> Wrong:
    hashes = _texts(value)
    if hashes is None:
        return _WRONG_TYPE
    if facts.photos is not None and not set(hashes) <= facts.photos:
        return ("photo_unknown", {})
    return _counted(field, len(hashes))


def _products(field: FormField, value: Any, _facts: Facts) -> Wrong:
    chosen = _texts(value)
    return _WRONG_TYPE if chosen is None else _counted(field, len(chosen))


def _samples(field: FormField, value: Any, _facts: Facts) -> Wrong:
    pieces = _by_id(value)
    counts = [number(v) for v in pieces.values()] if pieces is not None else [None]
    if not all(c is not None and c == int(c) and c >= 0 for c in counts):
        return _WRONG_TYPE
    told = [c for c in counts if c is not None]
    over = [w for c in told if (w := _sized(field, c)) is not None]
    if over:
        return over[0]
    too_much = field.total is not None and sum(told) > field.total
    return ("too_much_together", {"max": field.total}) if too_much else None


def _by_id(value: Any) -> dict[str, Any] | None:
    """An object by short ids; None for anything else."""
    is_fit = isinstance(value, dict) and len(value) <= 500
    return value if is_fit and all(0 < len(key) <= ID_MAX for key in value) else None


def _stock(field: FormField, value: Any, _facts: Facts) -> Wrong:
    rows = _by_id(value)
    if rows is None or not all(_is_shelf(row) for row in rows.values()):
        return _WRONG_TYPE
    return _counted(field, len(rows))


def _is_shelf(row: Any) -> bool:
    """{there: bool, price: number or null}."""
    if not isinstance(row, dict) or not isinstance(row.get("there"), bool):
        return False
    price = row.get("price")
    told = number(price)
    return price is None or (told is not None and 0 <= told <= 1e9)


def _questionnaire(field: FormField, value: Any, _facts: Facts) -> Wrong:
    if _by_id(value) is None:
        return _WRONG_TYPE
    asked = [question.value for question in field.questions]
    options = _values(field)
    if not all(k in asked and isinstance(v, str) and v in options for k, v in value.items()):
        return ("not_an_option", {})
    left = len(asked) - len(value)
    return ("questions_left", {"n": left}) if field.required and left else None


def _agreement(_field: FormField, value: Any, _facts: Facts) -> Wrong:
    return None if value is True else _WRONG_TYPE


def _signature(_field: FormField, value: Any, _facts: Facts) -> Wrong:
    """{name, strokes: [[x, y, x, y, ...], ...]} on a canvas of 1000 by 1000."""
    if not isinstance(value, dict) or not isinstance(value.get("name", ""), str):
        return _WRONG_TYPE
    strokes = value.get("strokes")
    if not isinstance(strokes, list) or len(strokes) > STROKES_MAX:
        return _WRONG_TYPE
    if len(value.get("name", "")) > NAME_MAX or not all(_is_stroke(s) for s in strokes):
        return _WRONG_TYPE
    return _WRONG_TYPE if sum(len(s) for s in strokes) > 2 * POINTS_MAX else None


def _is_stroke(stroke: Any) -> bool:
    if not isinstance(stroke, list) or len(stroke) < 2 or len(stroke) % 2:
        return False
    points = [number(p) for p in stroke]
    return all(p is not None and 0 <= p <= CANVAS for p in points)


_TYPES: dict[str, Callable[[FormField, Any, Facts], Wrong]] = {
    "choice": _choice, "choices": _choices, "number": _number, "text": _text, "date": _date,
    "yes_no": _yes_no, "photo": _photo, "products": _products, "samples": _samples,
    "stock": _stock, "questionnaire": _questionnaire, "agreement": _agreement,
    "signature": _signature, "money": _money, "phone": _phone, "email": _email,
}  # fmt: skip


# ---- what answers tell beside themselves ----


def details_of(form: FormDefinition, kept: Answers) -> dict[str, Any]:
    """Products shown, samples left and stock seen, as visits tell them whatever the form's names."""
    found: dict[str, Any] = {}
    for field in form.fields:
        value = kept.get(field.name)
        if value is None:
            continue
        if field.type == "products":
            found["products"] = [*dict.fromkeys([*found.get("products", []), *value])]
        elif field.type == "samples":
            found["samples"] = {**found.get("samples", {}), **_some(value)}
        elif field.type == "stock":
            seen = {product: row["there"] for product, row in value.items()}
            found["stock"] = {**found.get("stock", {}), **seen}
    return found


def _some(pieces: dict[str, float]) -> dict[str, int]:
    return {product: int(n) for product, n in pieces.items() if n > 0}


def shelves(form: FormDefinition, kept: Answers) -> list[Shelf]:
    """What the visit found on the shelf, by product; of two fields the later one counts."""
    rows: dict[str, Shelf] = {}
    for field in form.fields:
        if field.type != "stock":
            continue
        for product, row in (kept.get(field.name) or {}).items():
            price = row.get("price")
            told = None if price is None or not row["there"] else float(price)
            rows[product] = Shelf(product, row["there"], told)
    return list(rows.values())
