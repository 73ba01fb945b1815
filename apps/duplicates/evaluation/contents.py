"""What the cells of a column look like: telephone numbers, dates, names of persons or of companies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache

from apps.crm.importing.values import DateOrder, ValueRefused, parse_date
from apps.duplicates.matching.companies import has_legal_form
from apps.duplicates.matching.dates import birth_date_of
from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.names import is_known_given_name
from apps.duplicates.matching.texts import fold, is_han
from apps.duplicates.matching.word_lists import HONORIFICS

# Of the cells that are filled, so many must look alike where only they tell, and so many where a header does.
_MOST_CELLS = 0.8
_HALF = 0.5
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HOST = re.compile(r"(?:\w+://)?[\w-]+(?:\.[\w-]+)+(?:[:/?#]\S*)?")
_NOT_DIGIT = re.compile(r"\D+")
_LETTER = re.compile(r"[^\W\d_]")
# E.164 has fifteen digits at most; inside a city five may do.
_LEAST_DIGITS, _MOST_DIGITS = 5, 15
_EXTENSION = re.compile(r"(?:ext|x|int|poste|durchwahl|dw)\.?\s*\d{1,6}$", re.IGNORECASE)
# Alone, digits say that they are dialled by what stands before or between them.
_DIALLED = re.compile(r"(?:\+|00?)[1-9(][\d\s()./-]{6,18}|\(?\d{1,5}\)?[\s./-][\d\s()./-]{4,15}")
# Amounts, decimals, numbers with a year, social security and tax numbers, post codes in two parts.
_NOT_DIALLED = re.compile(
    r"\d{1,3}(?:\.\d{3})+|\d{1,2}(?: \d{3}){2,}|\d+\.\d+|(?:19|20)\d{2}[-/.]\d+"
    r"|\d{3}-\d{2}-\d{4}|\d{3}\.\d{3}\.\d{3}-\d{2}|\d{3}-\d{3}-\d{2}-\d{2}|\d{5}-\d{3,4}"
)
_LEAST_DIALLED, _MOST_DIALLED = 8, 12
_COMPACT_DATE = re.compile(r"(?:18|19|20)\d{6}|\d{1,2}[ ]\d{1,2}[ ](?:18|19|20)\d{2}")
# People in one table are born over so many years; what a company does itself is seldom so old.
_YEARS_OF_BIRTH = 25
_POSTCODE_LENGTH = 12
# Fewer different values are a kind of something.
_LEAST_DIFFERENT = 0.2
_ENOUGH_CELLS = 20
# Names with such a share of signs of companies are those of companies: by themselves, and beside a column
# that places have. Where a column says that they are, names of persons must be so many to speak against it.
_COMPANIES = 0.4
_COMPANIES_AT_PLACES = 0.15
_PERSONS = 0.3
# What hardly anybody is called.
_BUSINESS_WORDS = frozenset(
    fold(
        """restaurant ristorante restaurante restaurang restauracja trattoria osteria pizzeria pizza bistro
        brasserie cafe caffe coffee kaffee koffie diner kitchen grill tavern taverne taberna pub brewery
        bakery bäckerei boulangerie panaderia pasticceria patisserie delicatessen deli steakhouse sushi
        noodle burger eatery cantina buffet lounge hotel hôtel albergo hostal hostel inn motel resort
        gasthof gasthaus pension boutique salon spa gym fitness club verein stichting foundation stiftung
        fondation fundación fondazione fundacja association associazione asociación associação society
        church kirche museum theater theatre school schule college university universität université
        clinic klinik clinique clínica hospital pharmacy apotheke pharmacie apotheek farmacia apteka
        praxis group gruppe groupe groep gruppo grupo holding holdings partners services service solutions
        systems technologies technology consulting international industries industrial global logistics
        logistik transport transports spedition trading handel handels import export supply supplies store
        stores shop market markt supermarket hardware tools elektro electric garage auto autohaus motors
        bau construction construcciones costruzioni builders plumbing möbel furniture meubles textil
        druckerei printing verlag press media studio studios labs design agency agentur agence agenzia
        bank insurance versicherung energy pharma foods food wines weingut cooperative genossenschaft
        company companies corporation manufacturing distribution warehouse werke fabrik factory machines
        maschinenbau metal zonen söhne fils hijos figli brothers bros sons hurtownia sklep zakład
        przedsiębiorstwo firma"""
    ).split()
)  # fmt: skip
_COMPANY_SIGN = re.compile(r"\w['’]s\b|\d|\s[&+]\s|\(the\)$|^the\s", re.IGNORECASE)


def fits(field: Field, cells: Sequence[str]) -> bool:
    """Whether a column can be what its header says; an empty one can."""
    filled = _filled(cells)
    return not filled or _share(_LOOKS_AS[field], filled) >= _HALF


def is_of_kinds(cells: Sequence[str]) -> bool:
    """Whether a column tells kinds of something, as few values stand in it again and again."""
    filled = _filled(cells)
    return len(filled) >= _ENOUGH_CELLS and len(set(filled)) < _LEAST_DIFFERENT * len(filled)


def holds_addresses(cells: Sequence[str]) -> bool:
    """Whether these are e-mail addresses, whatever the header says."""
    return _holds(lambda cell: _EMAIL.fullmatch(cell) is not None, cells)


def holds_phones(cells: Sequence[str]) -> bool:
    """Whether these are telephone numbers and nothing else in digits, whatever the header says."""
    return _holds(_is_dialled, cells)


def holds_dates(cells: Sequence[str]) -> bool:
    """Whether these are dates, whatever the header says."""
    return _holds(is_date, cells)


def holds_births(cells: Sequence[str]) -> bool:
    """Whether these are dates over so many years that they may be of people's births."""
    years = sorted(int(found[:4]) for cell in _filled(cells) if (found := birth_date_of(cell, "")))
    if not holds_dates(cells) or not years:
        return False
    tenth = len(years) // 10
    return years[-1 - tenth] - years[tenth] >= _YEARS_OF_BIRTH


def names_companies(cells: Sequence[str], *, is_said: bool, is_place: bool) -> bool:
    """Whether names are those of companies.

    ``is_said``: another column tells that they are; ``is_place``: one tells what places have.
    """
    filled = _filled(cells)
    if not filled:
        return is_said
    companies, persons = _share(_is_company, filled), _share(_is_person, filled)
    if is_said and persons < max(_PERSONS, companies):
        return True
    return companies >= (_COMPANIES_AT_PLACES if is_place else _COMPANIES) and companies > persons


def is_date(text: str) -> bool:
    """Whether it is a day, written in digits or with the month's name."""
    if _COMPACT_DATE.fullmatch(text):
        digits = birth_date_of(text, "")
        try:
            return bool(digits) and bool(date.fromisoformat(digits))
        except ValueError:
            return False
    return any(_reads_as_date(text, order) for order in DateOrder)


def _reads_as_date(text: str, order: DateOrder) -> bool:
    try:
        parse_date(text, order)
    except ValueRefused:
        return False
    return True


def _filled(cells: Sequence[str]) -> list[str]:
    return [stripped for cell in cells if (stripped := cell.strip())]


def _share(is_so: Callable[[str], bool], filled: Sequence[str]) -> float:
    return sum(map(is_so, filled)) / len(filled)


def _holds(is_so: Callable[[str], bool], cells: Sequence[str]) -> bool:
    filled = _filled(cells)
    return bool(filled) and _share(is_so, filled) >= _MOST_CELLS


def _is_phone(text: str) -> bool:
    """Whether it may be a telephone number, where the header says so."""
    number = _EXTENSION.sub("", text)
    digits = len(_NOT_DIGIT.sub("", number))
    letters = len(_LETTER.findall(number))
    return _LEAST_DIGITS <= digits <= _MOST_DIGITS and letters <= digits and not is_date(text)


def _is_dialled(text: str) -> bool:
    number = _EXTENSION.sub("", text).strip()
    if not _DIALLED.fullmatch(number) or _NOT_DIALLED.fullmatch(number) or is_date(text):
        return False
    digits = _NOT_DIGIT.sub("", number)
    if number.startswith(("+", "00")):
        return _is_possible(f"+{digits.removeprefix('00')}")
    return _LEAST_DIALLED <= len(digits) <= _MOST_DIALLED


@cache
def _is_possible(number: str) -> bool:
    # Its tables of all countries are read on first use.
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        return bool(is_possible_number(parse(number)))
    except NumberParseException:
        return False


def _is_word(text: str) -> bool:
    digits = len(_NOT_DIGIT.sub("", text))
    return digits < len(_LETTER.findall(text)) and "@" not in text


def _has_letter(text: str) -> bool:
    return _LETTER.search(text) is not None and not is_date(text) and "@" not in text


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_number(text: str) -> bool:
    return _has_digit(text) and not is_date(text)


def _is_postcode(text: str) -> bool:
    return len(text) <= _POSTCODE_LENGTH and _is_number(text)


def _is_company(text: str) -> bool:
    is_sign = _COMPANY_SIGN.search(text) is not None or has_legal_form(text)
    return is_sign or not _BUSINESS_WORDS.isdisjoint(fold(text).split())


def _is_person(text: str) -> bool:
    if _is_company(text):
        return False
    words = fold(text).split()
    if not HONORIFICS.isdisjoint(words[:1]) or _is_han_name(text):
        return True
    return 2 <= len(words) <= 4 and any(map(is_known_given_name, words))


def _is_han_name(text: str) -> bool:
    return len(text) <= 4 and is_han("".join(text.split()))


_LOOKS_AS: dict[Field, Callable[[str], bool]] = {
    Field.GIVEN_NAME: _is_word,
    Field.SURNAME: _is_word,
    Field.FULL_NAME: _is_word,
    Field.EMAIL: lambda cell: "@" in cell,
    Field.PHONE: _is_phone,
    Field.BIRTH_DATE: is_date,
    Field.STREET: _has_letter,
    Field.HOUSE_NUMBER: _is_number,
    Field.CITY: _is_word,
    Field.POSTCODE: _is_postcode,
    Field.REGION: _has_letter,
    Field.COMPANY: _has_letter,
    Field.WEBSITE: lambda cell: _HOST.fullmatch(cell) is not None,
    Field.TITLE: _has_letter,
    Field.ID_NUMBER: _has_digit,
}
