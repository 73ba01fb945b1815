"""The peers of the bench do what others do, by numbers worked out by hand."""

from __future__ import annotations

import pytest

from apps.duplicates.bench.data_sets import Plan
from apps.duplicates.bench.peers import blocked_pairs, cleaned, weighted_mean
from apps.duplicates.matching.fields import Field, Table

PLAN = Plan(
    blocks=((Field.GIVEN_NAME, Field.CITY), (Field.SURNAME,)),
    certain=(),
    lessons=((Field.SURNAME,), (Field.CITY,)),
)
TABLE = Table.of_rows(
    [
        {Field.GIVEN_NAME: "Ada", Field.SURNAME: "Quinn", Field.CITY: "Bern"},
        {Field.GIVEN_NAME: "ada", Field.SURNAME: "Quin", Field.CITY: "Bern"},
        {Field.GIVEN_NAME: "Ada", Field.SURNAME: "QUINN", Field.CITY: ""},
        {Field.GIVEN_NAME: "Ada", Field.SURNAME: "", Field.CITY: ""},
    ]
)


def test_pairs_that_agree_in_a_block_are_compared_once_and_empty_fields_agree_with_nothing() -> (
    None
):
    left, right = blocked_pairs(TABLE, PLAN)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (0, 2)]


def test_a_weighted_mean_is_of_the_fields_that_both_have() -> None:
    ranked = weighted_mean(TABLE, PLAN)
    assert list(zip(ranked.left.tolist(), ranked.right.tolist(), strict=True)) == [(0, 2), (0, 1)]
    # Given name 2, surname 3, city 1; "quinn" and "quin" are alike by (4/5 + 4/4 + 1) / 3, and a tenth of
    # what is missing for each of the first four letters.
    alike = 14 / 15 + 0.4 / 15
    assert ranked.bits.tolist() == pytest.approx([1.0, (2 + 3 * alike + 1) / 6])
    assert ranked.likely == 2


def test_texts_are_prepared_as_somebody_careful_does() -> None:
    table = Table.of_rows(
        [
            {
                Field.PHONE: "+41 (0)44 123 45 67",
                Field.WEBSITE: "https://www.Acme.com/de",
                Field.BIRTH_DATE: "19081209",
                Field.COMPANY: " ACME  AG ",
            },
            {Field.PHONE: "0041441234567"},
        ]
    )
    assert {field: column[0] for field, column in cleaned(table).items()} == {
        Field.PHONE: "41441234567",
        Field.WEBSITE: "acme.com",
        Field.BIRTH_DATE: "1908-12-09",
        Field.COMPANY: "acme ag",
    }
    assert cleaned(table)[Field.PHONE][1] == "41441234567"
