"""Tables that say little of each record: names alone, names and a city."""

from __future__ import annotations

import random
from itertools import product

import pytest

from apps.duplicates.matching.explaining import compare
from apps.duplicates.matching.fields import Field, Row, Table
from apps.duplicates.matching.finding import find_pairs
from apps.duplicates.tests.matching.test_plausibility import companies, likely

_GENERIC = list(
    product(("Alpine", "Central", "Global", "Swiss"), ("Consulting", "Services", "Bau"))
)
_RARE = "Brunnhilde Quarzwerk", "Xylo Dengelstein", "Ostmark Zwirnerei", "Kaolin Ypsomed"


def names_of_companies() -> Table:
    """Companies of which only the name is known; the last eight are two of each of four rare names."""
    draw = random.Random(4)
    syllables = ("ba", "du", "fe", "gor", "kil", "lam", "nus", "pol", "rit", "sak", "tem", "vor")
    names = [
        f"{''.join(draw.choices(syllables, k=3))} {''.join(draw.choices(syllables, k=3))} AG"
        for _ in range(280)
    ]
    generic = [f"{' '.join(words)} AG" for words in draw.choices(_GENERIC, k=20)]
    again = [f"{name.upper()} GmbH" for name in _RARE]
    return Table({Field.COMPANY: [*names, *generic, *_RARE, *again]}, 308)


def test_a_rare_name_of_a_company_suffices_and_a_generic_one_does_not() -> None:
    table = names_of_companies()
    found = find_pairs(table)
    assert likely(found) == {(300 + at, 304 + at) for at in range(4)}


def test_names_made_of_words_weigh_the_same_for_a_table_and_for_a_pair() -> None:
    table = names_of_companies()
    found = find_pairs(table)
    weights = found.document.fields[0]
    assert weights.rare_word_frequency == 0.5 / 296
    for left, right, bits in zip(
        found.left.tolist(), found.right.tolist(), found.bits.tolist(), strict=True
    ):
        assert compare(found.document, table.row(left), table.row(right)).weight_bits == bits


def test_a_name_and_a_city_are_enough_for_companies() -> None:
    table, same = companies(700)
    columns = {field: table.columns[field] for field in (Field.COMPANY, Field.CITY)}
    assert likely(find_pairs(Table(columns, table.size))) == same


def test_where_nobody_stands_twice_namesakes_in_one_city_are_not_said_to_be_the_same() -> None:
    draw = random.Random(8)
    given = [
        f"{first}{last}" for first, last in product(("An", "Be", "Ce", "Do"), ("na", "ro", "lix"))
    ]
    surnames = [
        f"{first}{last}" for first, last in product(("Mei", "Schu", "Kel", "Hub"), ("er", "mann"))
    ]
    rows: list[Row] = [
        {
            Field.GIVEN_NAME: draw.choice(given),
            Field.SURNAME: draw.choice(surnames),
            Field.CITY: draw.choice(("Bern", "Basel", "Chur")),
        }
        for _ in range(600)
    ]
    assert find_pairs(Table.of_rows(rows)).likely == 0


@pytest.mark.parametrize("size", [2, 30])
def test_in_a_small_table_the_same_name_of_a_company_is_told(size: int) -> None:
    words = ("Brunn", "Xylo", "Ostmark", "Kaolin", "Ypsomed", "Dengel")
    pairs = product(words, ("Quarz", "Zwirnerei", "Feinblech", "Talgar", "Munro"))
    names = [" ".join(pair) for pair in pairs][: size - 1]
    table = Table({Field.COMPANY: [*names, names[0]]}, size)
    assert likely(find_pairs(table)) == {(0, size - 1)}
