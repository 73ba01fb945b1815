"""A whole table gives what its pairs give one by one."""

from __future__ import annotations

import numpy as np
import pytest

from apps.duplicates.evaluation.evaluating import find_groups
from apps.duplicates.matching import candidates
from apps.duplicates.matching.bulk_keys import BulkKeys, keys_of_all
from apps.duplicates.matching.documents import default_document
from apps.duplicates.matching.encoding import encode
from apps.duplicates.matching.explaining import compare
from apps.duplicates.matching.fields import Field, Table
from apps.duplicates.matching.finding import find_pairs, find_pairs_and_others
from apps.duplicates.matching.keys import RULES, keys_of
from apps.duplicates.matching.others import have_other_names
from apps.duplicates.matching.values import comparable
from apps.duplicates.tests.matching.tables import drawn_names, drawn_table

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_record_is_made_comparable_as_it_is_alone(seed: int) -> None:
    table = drawn_table(seed, 150)
    encoded = encode(table, "CH")
    for position in range(table.size):
        assert encoded.comparable(position) == comparable(table.row(position), "CH")


@pytest.mark.parametrize("seed", SEEDS)
def test_each_record_has_the_keys_that_it_has_alone(seed: int) -> None:
    table = drawn_table(seed, 150)
    bulk = BulkKeys(encode(table, "CH"))
    found: list[set[int]] = [set() for _ in range(table.size)]
    for number in range(len(RULES)):
        for key, position in zip(*(array.tolist() for array in bulk.of_rule(number)), strict=True):
            found[position].add(key)
    for position in range(table.size):
        assert found[position] == set(keys_of(comparable(table.row(position), "CH")))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_pair_weighs_what_it_weighs_alone(seed: int) -> None:
    table = drawn_table(seed, 150)
    found, others = find_pairs_and_others(table, region="CH")
    assert len(found.left) > 100
    for left, right, bits, probability, are_others in zip(
        found.left.tolist(),
        found.right.tolist(),
        found.bits.tolist(),
        found.probabilities.tolist(),
        others.tolist(),
        strict=True,
    ):
        alone = compare(found.document, table.row(left), table.row(right))
        assert alone.weight_bits == bits
        assert alone.probability == pytest.approx(probability, abs=1e-12)
        weights = {item.field: item.bits for item in alone.evidence}
        assert have_other_names(weights) is are_others


@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_several_scripts_are_what_they_are_alone(seed: int) -> None:
    table = drawn_names(seed, 120)
    encoded = encode(table, "CH")
    alone = [comparable(table.row(position), "CH") for position in range(table.size)]
    assert [encoded.comparable(position) for position in range(table.size)] == alone
    assert keys_of_all(encoded) == [list(keys_of(values)) for values in alone]
    found = find_pairs(table, document=default_document(4))
    assert len(found.left) > 200
    swapped = 0
    for left, right, bits in zip(
        found.left.tolist(), found.right.tolist(), found.bits.tolist(), strict=True
    ):
        compared = compare(found.document, table.row(left), table.row(right))
        assert compared.weight_bits == bits
        swapped += compared.evidence[0].level == "exchanged with the surname"
    assert swapped > 20


def test_a_document_weighs_another_table_as_its_pairs_alone() -> None:
    document = find_pairs(drawn_table(0, 150), region="CH").document
    columns = dict(drawn_table(1, 120).columns)
    del columns[Field.SURNAME]
    table = Table(columns, 120)
    found = find_pairs(table, document=document)
    assert found.document == document
    for at in range(0, len(found.left), 7):
        alone = compare(document, table.row(found.left[at]), table.row(found.right[at]))
        assert alone.weight_bits == found.bits[at]


def test_pairs_come_the_likeliest_first_and_once() -> None:
    found = find_pairs(drawn_table(3, 200), region="CH")
    assert (np.diff(found.bits) <= 0).all()
    assert (found.left < found.right).all()
    assert len(set(zip(found.left.tolist(), found.right.tolist(), strict=True))) == len(found.left)


def test_with_keys_the_likely_pairs_of_a_small_table_are_found_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = drawn_table(4, 400)
    whole = find_pairs(table, region="CH")
    monkeypatch.setattr(candidates, "MOST_RECORDS_EACH_WITH_EACH", 0)
    monkeypatch.setattr(candidates, "LEAST_PAIRS", 20_000)
    keyed = find_pairs(table, region="CH", document=whole.document)
    assert keyed.compared < whole.compared / 2
    assert sum(dropped.keys for dropped in keyed.dropped) > 0
    sure = int((whole.probabilities > 0.99).sum())
    missed = _pairs(whole.left[:sure], whole.right[:sure]) - _pairs(keyed.left, keyed.right)
    assert len(missed) <= 0.01 * sure


@pytest.mark.parametrize("size", [0, 1, 2])
def test_hardly_any_records_are_no_error(size: int) -> None:
    found = find_pairs(drawn_table(5, size), region="CH")
    assert found.compared == size // 2


def test_records_that_say_nothing_are_no_pairs() -> None:
    found = find_pairs(Table({Field.SURNAME: ["", "n/a", "test", "aaa"]}, 4))
    assert found.likely == 0


def test_people_of_other_names_behind_one_switchboard_are_neither_pairs_nor_a_group() -> None:
    switchboard = {Field.PHONE: "+41 44 555 12 34", Field.COMPANY: "Brunner Maschinenbau AG"}
    names = [
        ("Katharina", "Wyttenbach"),
        ("Ulrich", "Wyttenbach"),
        ("Urs", "Sommer"),
        ("Katarina", "Wyttenbach"),
    ]
    table = Table.of_rows(
        [
            {Field.GIVEN_NAME: given, Field.SURNAME: surname, **switchboard}
            for given, surname in names
        ]
    )
    assert find_pairs(table).likely > 1
    said, groups = find_groups(table)
    assert (said.likely, [set(group) for group in groups]) == (1, [{0, 3}])


@pytest.mark.parametrize(
    ("besides", "are_others"),
    [
        ({Field.PHONE: 13.7}, True),
        ({Field.PHONE: 13.7, Field.EMAIL: 4.0}, True),
        ({Field.PHONE: 13.7, Field.EMAIL: 12.0}, False),
        ({Field.PHONE: 13.7, Field.BIRTH_DATE: 9.0}, False),
        ({Field.STREET: 9.0, Field.POSTCODE: 8.0}, False),
    ],
    ids=["a telephone", "a domain", "an address", "a date of birth", "nothing of a company"],
)
def test_another_given_name_is_another_person_where_what_is_shared_is_a_companys(
    besides: dict[Field, float], are_others: bool
) -> None:
    assert have_other_names({Field.GIVEN_NAME: -3.4, Field.SURNAME: 9.0, **besides}) is are_others


def _pairs(left: np.ndarray, right: np.ndarray) -> set[tuple[int, int]]:
    return set(zip(left.tolist(), right.tolist(), strict=True))
