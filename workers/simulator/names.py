"""Invented names of the sample's people; any likeness to somebody living is chance."""

from __future__ import annotations

import random

_FINNISH = (
    "Aada Aapo Anneli Arto Eero Eija Emilia Hannele Heikki Helmi Ilkka Inkeri Jarkko Johanna Jukka "
    "Kaarina Kalevi Katri Kimmo Lauri Leena Maija Markku Merja Niina Olli Outi Paavo Pirjo Raili "
    "Risto Satu Seppo Sirpa Taina Tapani Tuomas Tuula Veikko Venla",
    "Aaltovirta Haapaniitty Harjulehto Hietaranta Hirvelahti Honkasuo Huhtakorpi Jokisaarto "
    "Kaislakoski Kallionummi Kanervala Karhuvaara Ketolinna Kivisalmi Koivuharju Korpikallio "
    "Kuuselahti Laaksonpää Lehtovuori Lummelampi Marjasalo Metsäkumpu Mäntyrinne Niittykoski "
    "Ojanperä Pajuniemi Peltovirta Pihlajasaari Rantakorpi Rautapuro Saarilehto Salokannel "
    "Sinivuokko Suvikoski Tammijärvi Tuulosvaara Untamoinen Vaahterikko Vesilinna Ylikoivu",
)
_SWEDISH = (
    "Agneta Anders Astrid Birgitta Bo Carita Christer Ebba Fredrik Gunilla Gustav Hanna Henrik "
    "Ingrid Jonas Karin Kerstin Lars Linnea Magnus Marianne Mats Nils Pernilla Rolf Sofia Stig "
    "Tove Ulla Viktor",
    "Almskog Backlund Bergfors Björkholm Dalgren Ekströmberg Fagerås Forsvik Grankulla Hedmark "
    "Holmviken Lindvall Ljungsund Norrgrann Näsholm Rosenskär Sandvall Sjögrund Skogster "
    "Strandell Sundbäck Söderblad Tallgård Vikströmer Åkerhielm Östergran",
)
_RUSSIAN = (
    "Aleksei Alla Anastasia Boris Daria Dmitri Ekaterina Galina Igor Irina Kirill Larisa Lidia "
    "Maksim Marina Nadezhda Natalia Nikita Olga Pavel Polina Roman Sergei Svetlana Tatiana Timur "
    "Vadim Vera Viktoria Yulia",
    "Beloroshchin Bystrov Vetrinsky Golubkin Gorelov Zarechny Kalinovich Korablev Kostromin "
    "Lesnikov Ozerov Ostrovin Perelesov Polyansky Ryabinsky Sadovin Severin Solovyanov Tikhorev "
    "Tumanov Ustyugin Kholmov Chaykin Yasenev",
)
_ROMANIAN = (
    "Adrian Alina Ana Bogdan Camelia Corina Cosmin Crina Dan Doina Dumitru Elisabeta Florin "
    "Gabriela Ilinca Ionela Laurențiu Lavinia Lucian Mădălina Marius Mihaela Oana Petru Raluca "
    "Radu Sorin Ștefania Teodora Vlad",
    "Arinescu Brădățan Cetinaru Codreanca Dealuroiu Fântânaru Frunzescu Grădinescu Ierunca "
    "Izvoreanu Lăstunaru Livezeanca Luncașu Muguraru Nucușan Păltinescu Poienaru Râureanu "
    "Scorușan Sturzescu Șoimușan Teiușanu Ulmeanca Viișoreanu",
)
_ORIGINS = ((_FINNISH, 62), (_SWEDISH, 16), (_RUSSIAN, 12), (_ROMANIAN, 10))


def people_names(count: int, dice: random.Random) -> list[str]:
    """So many different full names; Russian women's surnames take their ending."""
    names: dict[str, None] = {}
    while len(names) < count:
        (firsts, lasts), = dice.choices(
            [origin for origin, _ in _ORIGINS], [weight for _, weight in _ORIGINS]
        )  # fmt: skip
        first, last = dice.choice(firsts.split()), dice.choice(lasts.split())
        is_russian_woman = firsts is _RUSSIAN[0] and first[-1] == "a" and first != "Nikita"
        names[f"{first} {_feminine(last) if is_russian_woman else last}"] = None
    return list(names)


def _feminine(last: str) -> str:
    if last.endswith(("ov", "ev", "in")):
        return last + "a"
    return last[:-1] + "aya" if last.endswith("y") else last


TALKED = {
    "en": (
        "Talked about {product}; asks for the study summary.",
        "Showed {product}. Will try it with two patients.",
        "Short talk between patients, {product} leaflet left.",
        "Prefers what they know; {product} again next time.",
        "Good talk, interested in {product} and its dosing.",
        "Asked about side effects of {product}; sent the data sheet.",
    ),
    "ru": (
        "Обсудили {product}, просит краткие данные исследования.",
        "Презентация {product}: готовы попробовать на двух пациентах.",
        "Короткая беседа между приёмами, буклет {product} оставлен.",
        "Держатся за привычное; вернуться к {product} в следующий раз.",
        "Хороший разговор, интересуются {product} и дозировкой.",
        "Вопросы о побочных действиях {product}, инструкция передана.",
    ),
    "ro": (
        "Am discutat despre {product}; cere rezumatul studiului.",
        "Am prezentat {product}. Vor încerca la doi pacienți.",
        "Discuție scurtă între pacienți, pliantul {product} a rămas.",
        "Preferă ce cunosc; revenim la {product} data viitoare.",
        "Discuție bună, interes pentru {product} și dozaj.",
        "Întrebări despre efectele adverse ale {product}; am lăsat prospectul.",
    ),
}
"""Comments of held visits, by the rep's language."""

NOT_MET = {
    "en": ("Not in today, try Thursday morning.", "Too many patients, no time for me."),
    "ru": ("Сегодня не принимает, зайти в четверг утром.", "Очередь, времени не нашлось."),
    "ro": ("Nu lucrează azi, de încercat joi dimineața.", "Prea mulți pacienți, nu a avut timp."),
}
NO_GPS = {
    "en": "No position inside the building.",
    "ru": "В здании нет сигнала GPS.",
    "ro": "În clădire nu există semnal GPS.",
}
NEXT_STEPS = {
    "en": ("Bring samples of {product}", "Send the {product} study", "Agree on a group talk"),
    "ru": ("Привезти образцы {product}", "Прислать исследование {product}", "Назначить встречу с группой"),
    "ro": ("De adus mostre {product}", "De trimis studiul {product}", "De stabilit o prezentare de grup"),
}  # fmt: skip
PUT_OFF = {
    "en": "Asked to come another day",
    "ru": "Просили прийти в другой день",
    "ro": "Au cerut să vin în altă zi",
}
FORGOTTEN = {
    "en": "Not closed on the day",
    "ru": "Не закрыт в тот же день",
    "ro": "Nu a fost închisă în aceeași zi",
}
"""Why a visit of an earlier day that nobody closed is cancelled."""
PRODUCTS = (
    "Dermavel cream", "Calmoris 5 mg", "Oculin drops", "Vitarin D3", "Nordaspan 10 mg",
    "Flexomar gel", "Pulmoril syrup", "Hairosan serum",
)  # fmt: skip
