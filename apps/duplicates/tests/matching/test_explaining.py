"""One pair compared: levels in words, bits that add up."""

from __future__ import annotations

import pytest

from apps.duplicates.matching.documents import LevelWeight, MatcherDocument, default_document
from apps.duplicates.matching.explaining import compare
from apps.duplicates.matching.fields import Field, Row

DOCUMENT = default_document(1000, "CH")


def level(field: Field, left: str, right: str) -> str:
    compared = compare(DOCUMENT, {field: left}, {field: right})
    return next(item.level for item in compared.evidence if item.field == field)


@pytest.mark.parametrize(
    ("field", "left", "right", "words"),
    [
        (Field.GIVEN_NAME, "Robert", "ROBERT", "the same"),
        (Field.GIVEN_NAME, "Robert", "Rboert", "a letter apart"),
        (Field.GIVEN_NAME, "Robert", "Bob", "a short form"),
        (Field.GIVEN_NAME, "芳", "洋", "similar"),
        (Field.GIVEN_NAME, "Bob", "Bobby", "a short form"),
        (Field.GIVEN_NAME, "R.", "Robert", "a short form"),
        (Field.GIVEN_NAME, "Maria Luisa", "Luisa", "a short form"),
        (Field.GIVEN_NAME, "محمد", "Mohammed", "a short form"),
        (Field.GIVEN_NAME, "يوسف", "Youssef", "a short form"),
        (Field.GIVEN_NAME, "يوسف", "Jusuf", "a short form"),
        (Field.GIVEN_NAME, "جمال", "Gamal", "a short form"),
        (Field.GIVEN_NAME, "جمال", "Djamel", "a short form"),
        (Field.GIVEN_NAME, "محمد علي", "Mohamed", "a short form"),
        (Field.GIVEN_NAME, "محمد", "M.", "a short form"),
        (Field.GIVEN_NAME, "עמוס", "Amos", "a short form"),
        (Field.GIVEN_NAME, "שרה", "Sarah", "a short form"),
        (Field.GIVEN_NAME, "משה", "Moshe", "a short form"),
        (Field.GIVEN_NAME, "محمد", "Ahmed", "different"),
        (Field.GIVEN_NAME, "خالد", "Khalil", "different"),
        (Field.GIVEN_NAME, "أحمد", "احمد", "the same"),
        (Field.GIVEN_NAME, "伟芳", "Weifang", "the same"),
        (Field.GIVEN_NAME, "伟芳", "Wei-Fang", "a letter apart"),
        (Field.GIVEN_NAME, "Robert", "Grace", "different"),
        (Field.GIVEN_NAME, "Robert", "", "not known of both"),
        (Field.SURNAME, "Müller", "Mueller", "a letter apart"),
        (Field.SURNAME, "Meyer-Huber", "Huber", "part of the other"),
        (Field.SURNAME, "الحسن", "El Hassan", "part of the other"),
        (Field.SURNAME, "الحسن", "Elhassan", "part of the other"),
        (Field.SURNAME, "السيد", "Es-Sayed", "part of the other"),
        (Field.SURNAME, "عبد الرحمن", "Abdulrahman", "part of the other"),
        (Field.SURNAME, "عبدالله", "Abd Allah", "part of the other"),
        (Field.SURNAME, "خليل", "Khalil", "part of the other"),
        (Field.SURNAME, "خليل", "Haddad", "different"),
        (Field.SURNAME, "Lee", "Louw", "different"),
        (Field.SURNAME, "Kane", "Quinn", "different"),
        (Field.SURNAME, "El Masri", "Musar", "different"),
        (Field.EMAIL, "ada@acme.com", "ada@acme.org", "the same before the @"),
        (Field.EMAIL, "ada.quinn@acme.com", "ada.quin@acme.com", "nearly the same"),
        (Field.EMAIL, "ada.quinn@acme.com", "ada.quinn2@acme.com", "the same but for its number"),
        (Field.EMAIL, "ada.quinn@acme.com", "adaquinn@gmail.com", "the same before the @"),
        (Field.EMAIL, "aq@acme.com", "bq@acme.com", "the same company's"),
        (Field.EMAIL, "ada@acme.com", "dustin@acme.com", "the same company's"),
        (Field.EMAIL, "ada@gmail.com", "dustin@gmail.com", "different"),
        (Field.PHONE, "0446681800", "+41 44 668 18 00", "the same"),
        (Field.PHONE, "044 668 18 00", "044 668 18 01", "a digit apart"),
        (Field.PHONE, "044 668 18 00", "+1 415 555 2671", "different"),
        (Field.BIRTH_DATE, "1971-06-05", "1971-05-06", "a digit apart"),
        (Field.BIRTH_DATE, "1971-06-24", "1972-07-24", "two digits apart"),
        (Field.COMPANY, "Acme AG", "ACME Inc.", "the same"),
        (Field.COMPANY, "Acme Data", "Data Acme GmbH", "nearly the same"),
        (Field.COMPANY, "International Business Machines", "IBM Corp.", "part of the other"),
        (Field.WEBSITE, "www.acme.com", "acme.ch", "the same but for its ending"),
    ],
)
def test_levels_in_words(field: Field, left: str, right: str, words: str) -> None:
    assert level(field, left, right) == words
    assert level(field, right, left) == words


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("Grace", "Kelly"), ("Kelly", "Grace")),
        (("Grace", ""), ("", "Grace")),
        (("Grace", ""), ("Kelly", "Grace")),
        (("伟芳", "王"), ("Wang", "Weifang")),
        (("王", "伟芳"), ("Weifang", "Wang")),
        (("王", "伟芳"), ("Wei-Fang", "Wang")),
        (("خليل", "يوسف"), ("Youssef", "Khalil")),
    ],
)
def test_exchanged_names_are_noticed(left: tuple[str, str], right: tuple[str, str]) -> None:
    rows: list[Row] = [
        {Field.GIVEN_NAME: given, Field.SURNAME: surname} for given, surname in (left, right)
    ]
    given, surname = compare(DOCUMENT, *rows).evidence[:2]
    assert (given.level, surname.level, surname.bits) == (
        "exchanged with the surname",
        "not known of both",
        0.0,
    )


def test_half_an_exchange_is_none() -> None:
    left: Row = {Field.GIVEN_NAME: "Grace", Field.SURNAME: "Kelly"}
    right: Row = {Field.GIVEN_NAME: "Kelly", Field.SURNAME: "Smith"}
    assert [item.level for item in compare(DOCUMENT, left, right).evidence[:2]] == [
        "different",
        "different",
    ]


def test_bits_add_up_from_the_prior_on() -> None:
    left: Row = {Field.FULL_NAME: "Ada Quinn", Field.EMAIL: "ada@acme.com", Field.CITY: "Bern"}
    right: Row = {Field.FULL_NAME: "Ada Quin", Field.EMAIL: "ada@acme.com", Field.CITY: "Basel"}
    compared = compare(DOCUMENT, left, right)
    total = compared.prior_bits
    for item in compared.evidence:
        total += item.bits
    assert total == compared.weight_bits
    assert [item.field for item in compared.strongest[:2]] == [Field.EMAIL, Field.GIVEN_NAME]
    assert compared.probability > 0.99


def test_records_that_say_nothing_are_as_probable_as_any() -> None:
    compared = compare(DOCUMENT, {}, {Field.SURNAME: "n/a"})
    assert compared.strongest == ()
    assert compared.probability == pytest.approx(DOCUMENT.prior)


def test_a_shared_value_counts_as_not_known() -> None:
    fields = tuple(
        weights.model_copy(update={"shared": frozenset({"41446681800"})})
        if weights.field == Field.PHONE
        else weights
        for weights in DOCUMENT.fields
    )
    document = DOCUMENT.model_copy(update={"fields": fields})
    row: Row = {Field.PHONE: "+41 44 668 18 00"}
    assert compare(document, row, row).strongest == ()


def test_a_frequent_value_says_less_than_a_rare_one() -> None:
    fields = tuple(
        weights.model_copy(update={"frequencies": {"muller": 0.05}, "rare_frequency": 0.0001})
        if weights.field == Field.SURNAME
        else weights
        for weights in DOCUMENT.fields
    )
    document = DOCUMENT.model_copy(update={"fields": fields})
    frequent, rare = (
        compare(document, {Field.SURNAME: name}, {Field.SURNAME: name}).strongest[0].bits
        for name in ("Müller", "Quinn")
    )
    assert (round(frequent, 2), round(rare, 2)) == (3.85, 12.81)


def test_what_another_field_explains_says_less() -> None:
    email = next(weights for weights in DOCUMENT.fields if weights.field == Field.EMAIL)
    levels = tuple(
        LevelWeight(
            words=level.words,
            match_share=level.match_share,
            other_share=level.other_share,
            explained_shares=(0.2, *(level.other_share,) * 5),
        )
        for level in email.levels
    )
    fields = tuple(
        weights.model_copy(update={"levels": levels}) if weights is email else weights
        for weights in DOCUMENT.fields
    )
    document = DOCUMENT.model_copy(update={"fields": fields})
    address: Row = {Field.EMAIL: "ada.quinn@acme.com"}
    named: Row = {**address, Field.FULL_NAME: "Ada Quinn"}
    other: Row = {**address, Field.FULL_NAME: "Grace Kelly"}

    def bits(left: Row, right: Row) -> float:
        compared = compare(document, left, right)
        return next(item.bits for item in compared.evidence if item.field == Field.EMAIL)

    assert round(bits(named, named), 2) == 1.46
    assert round(bits(address, address), 2) == round(bits(named, other), 2) == 15.75


def test_a_document_comes_back_from_json_as_it_was() -> None:
    assert MatcherDocument.model_validate_json(DOCUMENT.model_dump_json()) == DOCUMENT
