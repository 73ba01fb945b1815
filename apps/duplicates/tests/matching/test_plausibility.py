"""Small and thin tables, and those that teach nonsense: the usual weights hold there."""

from __future__ import annotations

import random
from itertools import product

from apps.duplicates.matching.documents import FieldWeights, default_document
from apps.duplicates.matching.explaining import compare
from apps.duplicates.matching.fields import Field, Row, Table
from apps.duplicates.matching.finding import Found, find_pairs
from apps.duplicates.matching.plausibility import is_plausible, probability_of_identical
from apps.duplicates.tests.matching.tables import drawn_table

_FIRST = (
    "North South East West Blue Green Red Silver Golden Royal United First Global National Pacific Atlantic "
    "Alpine Central Metro City Summit Pioneer Liberty Delta Omega Apex Prime Nova Vertex Horizon"
)
_SECOND = (
    "Systems Solutions Consulting Logistics Foods Energy Media Capital Partners Health Pharma Bank Insurance "
    "Software Networks Electric Construction Design Marketing Textiles Motors Airlines Shipping Steel Paper"
)
_CITIES = "Zurich Bern Basel Geneva Lausanne Lugano Chur Olten Thun Biel Luzern Zug Aarau"


def companies(count: int) -> tuple[Table, set[tuple[int, int]]]:
    """Companies of which each tenth stands twice, without its legal form; and the pairs of the same."""
    draw = random.Random(5)
    rows: list[Row] = []
    same = set()
    for first, second in draw.sample(list(product(_FIRST.split(), _SECOND.split())), count):
        website = f"{first}{second}.com".lower()
        row = {
            Field.COMPANY: f"{first} {second} {draw.choice(['Inc', 'LLC', 'GmbH', 'AG'])}",
            Field.WEBSITE: f"https://www.{website}",
            Field.CITY: draw.choice(_CITIES.split()),
        }
        rows.append(row)
        if draw.random() < 0.1:
            same.add((len(rows) - 1, len(rows)))
            rows.append({**row, Field.COMPANY: f"{first} {second}", Field.WEBSITE: website})
    return Table.of_rows(rows), same


def likely(found: Found) -> set[tuple[int, int]]:
    count = found.likely
    return set(zip(found.left[:count].tolist(), found.right[:count].tolist(), strict=True))


def test_companies_with_similar_names_are_not_taken_for_the_same() -> None:
    table, same = companies(700)
    found = find_pairs(table)
    assert len(same) == 79
    assert likely(found) == same
    assert is_plausible(found.document)


def test_two_identical_rows_are_the_same() -> None:
    row = {
        Field.GIVEN_NAME: "Katharina",
        Field.SURNAME: "Jaeggi",
        Field.EMAIL: "katharina.jaeggi@gmx.de",
        Field.PHONE: "+41 79 455 21 33",
    }
    found = find_pairs(Table.of_rows([row, row]))
    assert likely(found) == {(0, 1)}
    assert not found.document.is_estimated


def test_usual_weights_are_the_same_for_a_table_and_for_a_pair() -> None:
    table = drawn_table(2, 90)
    found = find_pairs(table, region="CH")
    assert not found.document.is_estimated
    assert found.likely > 10
    for left, right, bits in zip(
        found.left.tolist(), found.right.tolist(), found.bits.tolist(), strict=True
    ):
        assert compare(found.document, table.row(left), table.row(right)).weight_bits == bits


def test_what_all_hold_speaks_against_no_pair() -> None:
    rows = [
        {Field.SURNAME: "Quinn", Field.CITY: "Bern", Field.EMAIL: f"{at}@a.ch"} for at in "abcd"
    ]
    table = Table.of_rows(rows)
    compared = compare(find_pairs(table).document, table.row(0), table.row(1))
    assert [item.bits for item in compared.evidence if item.level == "the same"] == [0, 0]


def test_a_number_alone_tells_who_is_the_same() -> None:
    draw = random.Random(3)
    numbers = [f"+41 79 {number}" for number in draw.sample(range(2_000_000, 9_999_999), 2_000)]
    again = [number.replace("+41 ", "0") for number in numbers[:100]]
    found = find_pairs(Table({Field.PHONE: [*numbers, *again]}, 2_100), region="CH")
    assert likely(found) == {(at, 2_000 + at) for at in range(100)}
    assert not found.document.is_estimated


def test_usual_weights_make_sense() -> None:
    document = default_document(1_000)
    assert is_plausible(document)
    assert probability_of_identical(document) == 0.9999


def test_a_difference_that_speaks_for_the_same_makes_no_sense() -> None:
    usual = default_document(1_000)
    turned = tuple(
        _turned(weights) if weights.field == Field.CITY else weights for weights in usual.fields
    )
    document = usual.model_copy(update={"fields": turned})
    assert probability_of_identical(document) == 0.9999
    assert not is_plausible(document)


def test_those_of_the_same_do_not_mostly_have_other_numbers() -> None:
    usual = default_document(1_000)
    phone = next(weights for weights in usual.fields if weights.field == Field.PHONE)
    other = phone.levels[-1].model_copy(update={"match_share": 0.71})
    levels = (*phone.levels[:-1], other)
    changed = phone.model_copy(update={"levels": levels})
    fields = tuple(changed if weights is phone else weights for weights in usual.fields)
    assert not is_plausible(usual.model_copy(update={"fields": fields}))


def test_identical_records_that_are_not_the_same_make_no_sense() -> None:
    usual = default_document(1_000)
    city = tuple(weights for weights in usual.fields if weights.field == Field.CITY)
    assert not is_plausible(usual.model_copy(update={"fields": city}))


def _turned(weights: FieldWeights) -> FieldWeights:
    levels = tuple(
        level.model_copy(
            update={"match_share": level.other_share, "other_share": level.match_share}
        )
        for level in weights.levels
    )
    return weights.model_copy(update={"levels": levels})


def test_those_of_the_same_do_not_mostly_have_other_names() -> None:
    usual = default_document(1_000)
    surname = next(weights for weights in usual.fields if weights.field == Field.SURNAME)
    other = surname.levels[-1].model_copy(update={"match_share": 0.46})
    changed = surname.model_copy(update={"levels": (*surname.levels[:-1], other)})
    fields = tuple(changed if weights is surname else weights for weights in usual.fields)
    assert not is_plausible(usual.model_copy(update={"fields": fields}))


def test_what_leans_on_the_usual_is_held_against_its_sense_without_it() -> None:
    usual = default_document(1_000)
    surname = next(weights for weights in usual.fields if weights.field == Field.SURNAME)
    other = surname.levels[-1].model_copy(update={"match_share": 0.28})
    changed = surname.model_copy(update={"levels": (*surname.levels[:-1], other)})
    fields = tuple(changed if weights is surname else weights for weights in usual.fields)
    document = usual.model_copy(update={"fields": fields})
    assert is_plausible(document)
    assert not is_plausible(document, usual_weight=1.0)
