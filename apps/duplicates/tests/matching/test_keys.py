"""Records that may be the same share a key; keys stay what they are."""

from __future__ import annotations

import pytest

from apps.duplicates.matching.fields import Field, Row
from apps.duplicates.matching.hashing import hash_of, mixed, signed
from apps.duplicates.matching.keys import EDITION, keys_of
from apps.duplicates.matching.values import comparable

ADA: Row = {
    Field.GIVEN_NAME: "Ada",
    Field.SURNAME: "Quinn",
    Field.EMAIL: "ada.quinn@acme.com",
    Field.PHONE: "044 668 18 00",
    Field.BIRTH_DATE: "1971-06-24",
    Field.CITY: "Zürich",
}


def keys(row: Row) -> set[int]:
    return set(keys_of(comparable(row, "CH")))


@pytest.mark.parametrize(
    "other",
    [
        {Field.FULL_NAME: "Quinn, Ada"},
        {Field.GIVEN_NAME: "Quinn", Field.SURNAME: "Ada"},
        {Field.EMAIL: "Ada.Quinn+x@acme.com"},
        {Field.EMAIL: "adaquinn@acme.org"},
        {Field.EMAIL: "a.q@acme.com"},
        {Field.PHONE: "+41 44 668 18 00"},
        {Field.GIVEN_NAME: "A.", Field.SURNAME: "Quin"},
        {Field.BIRTH_DATE: "24.06.1971"},
        {Field.BIRTH_DATE: "1971-06-01", Field.SURNAME: "Quinne"},
        {Field.SURNAME: "ada"},
    ],
)
def test_what_agrees_in_one_thing_shares_a_key(other: Row) -> None:
    assert keys(ADA) & keys(other)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {Field.CITY: "Zürich"},
        {Field.EMAIL: "ada@gmail.com"},
        {Field.GIVEN_NAME: "Dustin", Field.SURNAME: "Brinkmann", Field.BIRTH_DATE: "1971-06-02"},
    ],
)
def test_what_hardly_agrees_shares_none(other: Row) -> None:
    assert not keys(ADA) & keys(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("王伟芳", "Wang Weifang"),
        ("王伟芳", "Weifang Wang"),
        ("伟芳 王", "王伟芳"),
        ("يوسف خليل", "Youssef Khalil"),
        ("محمد الحسن", "Mohammed El Hassan"),
        ("محمد الحسن", "Al-Hassan, Mohamed"),
        ("جمال السيد", "Gamal Elsayed"),
        ("فاطمة الزهراء", "Fatimah Ez-Zahra"),
        ("שרה כהן", "Sarah Kohen"),
    ],
)
def test_a_name_in_another_script_shares_a_key(name: str, other: str) -> None:
    assert keys({Field.FULL_NAME: name}) & keys({Field.FULL_NAME: other})


def test_mailboxes_for_all_and_free_domains_are_no_keys() -> None:
    assert keys({Field.EMAIL: "info@acme.com"}) == set()
    assert not keys({Field.EMAIL: "b.x@gmail.com"}) & keys({Field.EMAIL: "b.y@gmail.com"})


def test_keys_are_signed_sorted_and_stay() -> None:
    found = keys_of(comparable(ADA, "CH"))
    assert list(found) == sorted(set(found))
    assert all(-(2**63) <= key < 2**63 for key in found)
    # Stored keys must still be found after an upgrade: whoever changes these counts the edition on, by which
    # all keys are made anew.
    assert EDITION == 2
    assert [
        min(keys({Field.FULL_NAME: name})) for name in ("Ada Quinn", "王伟芳", "محمد الحسن")
    ] == [
        -173433529776337299,
        -8908677821501875201,
        -3635339009692543589,
    ]
    assert hash_of("ada") == 2811677874490880021
    assert mixed(1, 2) == 10905525725756348110
    assert signed(2**64 - 1) == -1
