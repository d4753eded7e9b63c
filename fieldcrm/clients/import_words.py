"""What columns and values of other people's tables are called, in three languages."""

from __future__ import annotations

import re

from fieldcrm.clients.folding import fold
from fieldcrm.clients.model import ClientKind

FIELDS: dict[str, tuple[str, ...]] = {
    "external_id": (
        "external id", "externalid", "id", "code", "ods code", "client id", "number", "no", "uid",
        "код", "внешний код", "идентификатор", "номер", "ид", "kladr id", "fias id", "guid",
        "cod", "cod extern", "identificator", "numar", "nr",
    ),
    "name": (
        "name", "client", "client name", "fn", "hospital name", "organisation", "organization",
        "pharmacy", "doctor", "full name", "title", "site name", "company", "nimi",
        "название", "наименование", "имя", "фио", "клиент", "организация", "аптека", "врач", "лпу",
        "nume", "denumire", "client nume", "farmacie", "medic", "organizatie", "nume complet",
    ),
    "kind": ("kind", "type", "client type", "тип", "вид", "tip", "tip client"),
    "specialty": (
        "specialty", "speciality", "specialisation", "специальность", "специализация",
        "specialitate", "specializare",
    ),
    "category": ("category", "potential", "class", "категория", "потенциал", "класс", "categorie",
                 "categoria", "potential abc"),
    "loyalty": ("loyalty", "лояльность", "loialitate"),
    "category_evidence": ("category evidence", "evidence for category", "основание категории",
                          "temeiul categoriei"),
    "loyalty_evidence": ("loyalty evidence", "evidence for loyalty", "основание лояльности",
                         "temeiul loialitatii"),
    "consent_visit": ("consent visit", "consent to visits", "согласие на визиты", "acord vizite"),
    "consent_call": ("consent call", "consent to calls", "согласие на звонки", "acord apeluri"),
    "consent_email": ("consent email", "consent to e mail", "согласие на письма", "acord email"),
    "consent_message": ("consent message", "consent to messages", "согласие на сообщения",
                        "acord mesaje"),
    "phone": (
        "phone", "telephone", "tel", "phone number", "mobile", "телефон", "тел",
        "мобильный", "моб тел", "номер телефона", "telefon", "nr telefon", "mobil", "contact phone",
        "contact mobile", "puhelin",
    ),
    "email": ("email", "e mail", "mail", "эл почта", "почта", "электронная почта", "posta electronica",
              "contact email"),
    "website": ("website", "url", "web", "site", "homepage", "сайт", "веб сайт", "pagina web",
                "contact website"),
    "address": (
        "address", "street", "street address", "address line", "address1", "address2", "address3",
        "address 1", "address 2", "address 3", "house number", "house", "addr", "адрес", "улица",
        "дом", "adresa", "strada", "judet", "county", "raion", "район", "numar casa", "nr casa",
        "addr street", "addr place", "addr housenumber", "addr unit",
    ),
    "city": ("city", "town", "locality", "settlement", "город", "населенный пункт", "нас пункт",
             "oras", "localitate", "municipiu", "addr city"),
    "postcode": ("postcode", "postal code", "zip", "zip code", "post code", "индекс",
                 "почтовый индекс", "cod postal", "addr postcode"),
    "lat": ("lat", "latitude", "geo lat", "y", "широта", "latitudine"),
    "lng": ("lng", "lon", "long", "longitude", "geo lon", "x", "долгота", "longitudine"),
    "opening_hours": ("opening hours", "hours", "часы", "часы работы", "график работы", "режим работы", "время работы",
                      "program", "orar", "program de lucru"),
    "visit_minutes": ("visit minutes", "visit duration", "duration", "минут на визит",
                      "длительность визита", "минут", "durata vizitei", "minute pe vizita"),
    "territory": ("territory", "sales territory", "sector", "территория", "участок", "teritoriu", "zona"),
    "tags": ("tags", "labels", "метки", "теги", "etichete"),
    "note": ("note", "notes", "comment", "comments", "примечание", "комментарий", "заметка", "nota",
             "observatii", "comentarii"),
    "country": ("country", "cc", "addr country", "country code", "страна", "tara"),
}  # fmt: skip
"""Fields a file can fill, and the folded titles that mean them. `country` only reads phones."""

KINDS: dict[str, tuple[str, ...]] = {
    ClientKind.doctor: ("doctor", "dr", "physician", "hcp", "врач", "доктор", "medic", "doctor"),
    ClientKind.pharmacist: ("pharmacist", "провизор", "фармацевт", "farmacist"),
    ClientKind.buyer: ("buyer", "purchaser", "закупщик", "байер", "cumparator", "achizitor"),
    ClientKind.organisation: (
        "organisation", "organization", "hospital", "clinic", "hco", "company", "организация",
        "медорганизация", "лпу", "больница", "клиника", "поликлиника", "organizatie", "spital",
        "clinica", "unitate medicala",
    ),
    ClientKind.pharmacy: ("pharmacy", "chemist", "drugstore", "аптека", "farmacie"),
}  # fmt: skip

_BY_TITLE = {fold(title): name for name, titles in FIELDS.items() for title in titles}
_BY_KIND = {fold(word): str(kind) for kind, words in KINDS.items() for word in words}
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,}")
_MAIL_OR_WEB = re.compile(r"\S+@\S+\.\S+|https?://\S+|www\.\S+", re.IGNORECASE)


def field_of(title: str) -> str | None:
    """The field that a column's title means, None when it says nothing to us."""
    if title in FIELDS:
        return title
    return _BY_TITLE.get(re.sub(r"\s+", " ", fold(title.replace("_", " "))))


def kind_of(word: str) -> str | None:
    """The kind of client a word means."""
    return _BY_KIND.get(fold(word))


_PHARMACY = re.compile("pharmac|chemist|drugstore|apothe|farmac|аптек|apteek|apotek")


def speaks_of_pharmacy(text: str) -> bool:
    """Whether a name or file name says pharmacy in one of the languages around."""
    return _PHARMACY.search(fold(text)) is not None


def looks_like_data(cell: str) -> bool:
    """Whether a cell holds a number, phone, mail or web address, so that it's no title."""
    text = cell.strip()
    patterns = (_NUMBER, _PHONE, _MAIL_OR_WEB)
    return any(pattern.fullmatch(text) for pattern in patterns)


def guess_by_content(cells: list[str]) -> str | None:
    """What an untitled column may hold, told by its cells: lat, lng, phone, email, website."""
    filled = [c for c in cells if c]
    if not filled:
        return None
    if _most(filled, re.compile(r"-?\d{1,3}[.,]\d{3,}")):
        return "degrees"
    if _most(filled, re.compile(r"\S+@\S+\.\S+")):
        return "email"
    if _most(filled, re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)):
        return "website"
    if _most(
        [re.sub(r"\D", "", c) for c in filled if _PHONE.fullmatch(c)], re.compile(r"\d{7,15}")
    ) and (sum(bool(_PHONE.fullmatch(c)) for c in filled) > 0.7 * len(filled)):
        return "phone"
    if _most(filled, re.compile(r"[A-Z0-9]{2,5} \d[A-Z]{2}|\d{4,6}|[A-Z]{2}-?\d{4}")):
        return "postcode"
    is_code = _most(filled, re.compile(r"(?=.*\d)[A-Za-z0-9._/-]{2,20}"))
    if is_code and len(set(filled)) == len(filled):
        return "external_id"
    return "text"


def _most(cells: list[str], pattern: re.Pattern[str]) -> bool:
    return bool(cells) and sum(bool(pattern.fullmatch(c)) for c in cells) > 0.7 * len(cells)
