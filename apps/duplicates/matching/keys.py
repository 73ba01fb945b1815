"""Under which keys a record is looked up: two records that share one are compared.

Each rule takes from a record what two records of the same person or company often agree in although something
else was mistyped or left out. Which of its keys are too common to be of use is for who looks up to say: a key
is the same in every table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from apps.duplicates.matching import abjads, contacts, dates, texts
from apps.duplicates.matching.fields import Comparable, Field
from apps.duplicates.matching.hashing import hash_of, mixed, signed

View = Callable[[str], str]

# Whoever changes what keys are made of, or how values are made comparable, counts on: what was stored under
# another edition is looked at anew.
EDITION = 2

# A table of so few records is compared each with each: keys save nothing there.
MOST_RECORDS_EACH_WITH_EACH = 1_500


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What a rule takes: a value seen through ``view``; each of several fields gives a key of its own."""

    fields: tuple[Field, ...]
    view: View | None = None

    def seen(self, value: str) -> str:
        """The value as the rule takes it."""
        return self.view(value) if self.view is not None and value else value


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of key. The ingredients of an ``is_unordered`` rule may stand in any order."""

    name: str
    ingredients: tuple[Ingredient, ...]
    is_unordered: bool = False


def _first_three(text: str) -> str:
    return text[:3] if len(text) >= 3 else ""


def _first_letter(text: str) -> str:
    return text[:1]


def _sounds(text: str) -> str:
    """The first letter and the consonants of the first word, four at most."""
    word = text.partition(" ")[0]
    return word[:1] + texts.consonants(f"{word[1:]}")[:3] if len(word) > 3 else word


def _longest_word(text: str) -> str:
    return max(sorted(text.split()), key=len, default="")


def _year_and_month(birth_date: str) -> str:
    return birth_date[:6]


def _domain_and_initial(email: str) -> str:
    domain, local = contacts.own_domain(email), contacts.local_part(email)
    return f"{local[:1]}@{domain}" if domain and local else ""


_GIVEN = Ingredient((Field.GIVEN_NAME,))
_SURNAME = Ingredient((Field.SURNAME,))
# Names are exchanged, or stand in one column alone: a rule takes either.
_EITHER = Ingredient((Field.GIVEN_NAME, Field.SURNAME))
_EITHER_BEGINS = Ingredient((Field.GIVEN_NAME, Field.SURNAME), _first_three)
_BIRTH = Ingredient((Field.BIRTH_DATE,))
_MONTH = Ingredient((Field.BIRTH_DATE,), _year_and_month)
_DAY = Ingredient((Field.BIRTH_DATE,), dates.day_of_year)
_CITY = Ingredient((Field.CITY,))

RULES: tuple[Rule, ...] = (
    Rule("e-mail", (Ingredient((Field.EMAIL,)),)),
    Rule("before the @", (Ingredient((Field.EMAIL,), contacts.local_part),)),
    Rule("letters before the @", (Ingredient((Field.EMAIL,), contacts.letters_of_local),)),
    Rule("initial and domain", (Ingredient((Field.EMAIL,), _domain_and_initial),)),
    Rule("phone", (Ingredient((Field.PHONE,), contacts.phone_ending),)),
    Rule("number", (Ingredient((Field.ID_NUMBER,)),)),
    Rule("names", (_GIVEN, _SURNAME), is_unordered=True),
    Rule(
        "names as they sound",
        (Ingredient((Field.GIVEN_NAME,), _first_letter), Ingredient((Field.SURNAME,), _sounds)),
    ),
    Rule("birth date", (_BIRTH,)),
    Rule("birth date and a name", (_BIRTH, _EITHER_BEGINS)),
    Rule("year and month of birth and a name", (_MONTH, _EITHER_BEGINS)),
    Rule("day and month of birth and a name", (_DAY, _EITHER_BEGINS)),
    Rule("year of birth and a name", (Ingredient((Field.BIRTH_DATE,), dates.year_of), _EITHER)),
    Rule("city and a name", (_CITY, _EITHER)),
    Rule("postcode and a name", (Ingredient((Field.POSTCODE,)), _EITHER_BEGINS)),
    Rule("street", (Ingredient((Field.STREET,)), Ingredient((Field.HOUSE_NUMBER,)))),
    Rule("street and a name", (Ingredient((Field.STREET,)), _EITHER_BEGINS)),
    Rule("company and a name", (Ingredient((Field.COMPANY,)), _EITHER_BEGINS)),
    Rule("company", (Ingredient((Field.COMPANY,)),)),
    Rule("company's longest word", (Ingredient((Field.COMPANY,), _longest_word),)),
    Rule("company's beginning and city", (Ingredient((Field.COMPANY,), _first_three), _CITY)),
    Rule("website", (Ingredient((Field.WEBSITE,), contacts.domain_name),)),
    Rule("a name alone", (_EITHER,)),
    Rule(
        "names by their consonants",
        (Ingredient((Field.GIVEN_NAME,), abjads.skeleton), Ingredient((Field.SURNAME,), abjads.skeleton)),
        is_unordered=True,
    ),
)  # fmt: skip


def keys_of(values: Comparable) -> tuple[int, ...]:
    """The keys of a record that was made comparable: signed 64-bit numbers, rising, each once."""
    found = {
        signed(key) for number, rule in enumerate(RULES) for key in _keys(number, rule, values)
    }
    return tuple(sorted(found))


def salt_of(number: int) -> int:
    """Where the keys of a rule begin, so that those of two rules do not meet."""
    return hash_of(RULES[number].name)


def _keys(number: int, rule: Rule, values: Comparable) -> list[int]:
    seen = [
        [
            hash_of(value)
            for field in ingredient.fields
            if (value := ingredient.seen(values.get(field, "")))
        ]
        for ingredient in rule.ingredients
    ]
    keys = []
    for hashes in product(*seen):
        ordered = sorted(hashes) if rule.is_unordered else hashes
        key = salt_of(number)
        for hashed in ordered:
            key = mixed(key, hashed)
        keys.append(key)
    return keys
