"""What CRMs really hold, put among the people of a generated company world: who is called the same then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from apps.duplicates.bench.generated.crm import generate_people
from apps.duplicates.bench.generated.slips import as_address
from apps.duplicates.bench.generated.words import GIVEN_NAMES, TITLES, coined_surname
from apps.duplicates.matching.clustering import clusters
from apps.duplicates.matching.encoding import encode
from apps.duplicates.matching.fields import Field, Row, Table
from apps.duplicates.matching.finding import Found, find_pairs

# Rows are written as given name, surname, e-mail, phone, city, company, title.
FIELDS = (
    Field.GIVEN_NAME, Field.SURNAME, Field.EMAIL, Field.PHONE, Field.CITY, Field.COMPANY, Field.TITLE,
)  # fmt: skip


@cache
def usual_rows() -> tuple[Row, ...]:
    return tuple(record.row for record in generate_people(400, seed=21))


def row(*cells: str) -> Row:
    return dict(zip(FIELDS, cells, strict=False))


def person(number: int, **known: str) -> Row:
    """Somebody with a name that no other number has, at a company of their own unless told otherwise."""
    given = GIVEN_NAMES[number % len(GIVEN_NAMES)]
    surname = coined_surname(number * 37 + 5)
    company = coined_surname(number * 17 + 3)
    plain = {
        Field.GIVEN_NAME: given,
        Field.SURNAME: surname,
        Field.EMAIL: f"{as_address(given)}.{as_address(surname)}@{company.lower()}.example",
        Field.PHONE: f"+4930{number * 7_368_787 % 8_999_999 + 1_000_000}",
        Field.COMPANY: f"{company} GmbH",
        Field.CITY: "Berlin",
    }
    return {**plain, **{Field(field): text for field, text in known.items()}}


def find(rows: Sequence[Row]) -> Found:
    return find_pairs(Table.of_rows([*rows, *usual_rows()]))


def likely(rows: Sequence[Row]) -> set[tuple[int, int]]:
    return likely_of(find(rows), len(rows))


def likely_of(found: Found, size: int) -> set[tuple[int, int]]:
    """The likely pairs that hold one of the first rows, by their positions."""
    return {(min(pair), max(pair)) for pair in _likely_pairs(found) if min(pair) < size}


def _likely_pairs(found: Found) -> list[tuple[int, int]]:
    size = found.likely
    return list(zip(found.left[:size].tolist(), found.right[:size].tolist(), strict=True))


def test_the_usual_people_are_told_apart() -> None:
    subjects = [record.subject for record in generate_people(400, seed=21)]
    right = [subjects[left] == subjects[other] for left, other in _likely_pairs(find([]))]
    assert sum(right) / len(right) >= 0.9
    assert sum(right) >= 110


def test_records_without_names_are_the_same_only_by_something_of_their_own() -> None:
    nameless = [row("", "", "", "", "Bern", "Acme AG") for _ in range(30)]
    with_address = [row("", "", "ada.quinn@acme.example", "", "Bern", "Acme AG") for _ in range(2)]
    assert likely([*with_address, *nameless]) == {(0, 1)}


def test_test_accounts_are_nobodys_duplicates() -> None:
    junk = [
        row("aaa", "aaa", "test@test.com", "1234567890"),
        row("Test", "Test", "test@test.com"),
        row("asdf", "asdf", "asdf@asdf.com", "000000000"),
        row("n/a", "unknown", "none@none.com", "-"),
        row("", "", "", ""),
        row(" ", ".", "@", "+"),
    ]
    assert likely(junk * 20) == set()


def test_a_shared_mailbox_makes_nobody_the_same() -> None:
    shared = [person(number, email="info@acme.example") for number in range(200)]
    again = person(7, email="info@acme.example", title="Buyer")
    assert likely([*shared, again]) == {(7, 200)}


def test_a_switchboard_of_five_hundred_makes_nobody_the_same() -> None:
    colleagues = [
        person(number, phone="+41 44 555 00 00", company="Globex AG", email="")
        for number in range(500)
    ]
    assert likely(colleagues) == set()


def test_somebody_may_stand_in_a_table_any_number_of_times() -> None:
    copies = [person(3, title=("Buyer", "Head of Sales")[number % 2]) for number in range(50)]
    found = find_pairs(Table.of_rows(copies))
    assert (found.likely, found.compared) == (1_225, 1_225)


def test_branches_share_a_number_and_are_not_one() -> None:
    branches = [
        {Field.COMPANY: "Sparkasse Nord", Field.PHONE: "+49 30 555 00 00", Field.CITY: surname}
        for surname in map(coined_surname, range(5, 3_000, 37))
    ]
    encoded = encode(Table.of_rows(branches), "")
    assert len({*encoded.holders().tolist()}) == len(branches)
    again = encode(Table.of_rows(branches[:1] * 50), "")
    assert len({*again.holders().tolist()}) == 1


def test_thousands_in_one_company_are_themselves() -> None:
    colleagues = [
        person(number, company="Globex AG", email=f"person{number}@globex.example")
        for number in range(3_000)
    ]
    again = person(11, company="Globex", email="", title="Buyer")
    found = find([*colleagues, again])
    assert found.compared < 400_000
    pairs = likely_of(found, 3_001)
    assert (11, 3_000) in pairs
    assert len(pairs) <= 4


def test_a_name_in_another_script_spelling_or_order_is_the_same_name() -> None:
    names = [
        (("王伟", ""), ("Wang", "Wei")),
        (("娜", "李"), ("Na", "Li")),
        (("伟芳", "王"), ("Weifang", "Wang")),
        (("静敏", "李"), ("Li", "Jingmin")),
        (("张", "秀英"), ("Xiuying", "Zhang")),
        (("陈丽磊", ""), ("Lilei", "Chen")),
        (("欧阳", "娜娜"), ("Nana", "Ouyang")),
        (("محمد", "حسن"), ("Mohamed", "Hassan")),
        (("يوسف", "خليل"), ("Youssef", "Khalil")),
        (("فاطمة", "الزهراء"), ("Fatima", "Al-Zahra")),
        (("أحمد", "الحسن"), ("El Hassan", "Ahmed")),
        (("علي", "السيد"), ("Ali", "El Sayed")),
        (("Ольга", "Иванова"), ("Olga", "Ivanova")),
        (("Inés", "Núñez"), ("Ines", "Nunez")),
        (("Jürgen", "Schäfer"), ("Juergen", "Schaefer")),
        (("Søren", "Ångström"), ("Soren", "Angstrom")),
        (("Quinn", "Adelaide"), ("Adelaide", "Quinn")),
        (("O’Brien", "Sean"), ("Sean", "O'Brien")),
    ]
    rows = []
    for number, pair in enumerate(names):
        for name, company in zip(pair, ("Initech AG", "Initech"), strict=True):
            firm = f"{coined_surname(number * 171)} {company}"
            rows.append(row(*name, "", f"+4144{5_551_212 + number * 37_011}", "Bern", firm))
    assert likely(rows) == {(at, at + 1) for at in range(0, len(rows), 2)}


def test_different_chinese_names_in_one_company_are_different_people() -> None:
    names = ("王伟", "王芳", "李娜", "李静", "张敏", "张伟", "刘洋", "陈强")
    rows = [
        row(name[1:], name[0], "", "", "Bern", "Initech AG", title)
        for name, title in zip(names, TITLES, strict=False)
    ]
    assert likely(rows) == set()


def test_different_arabic_names_in_one_company_are_different_people() -> None:
    names = (
        ("محمد", "الحسن"), ("Ahmed", "Haddad"), ("خالد", "خليل"), ("Fatima", "El Masri"),
        ("Mariam", "Al-Hassan"), ("علي", "السيد"), ("يوسف", "حداد"), ("Omar", "Khalil"),
    )  # fmt: skip
    rows = [
        row(given, surname, "", "", "Bern", "Initech AG", title)
        for (given, surname), title in zip(names, TITLES, strict=False)
    ]
    assert likely(rows) == set()


def test_relatives_in_one_company_are_different_people() -> None:
    rows = [
        person(
            1,
            given_name=name,
            surname="Brinkmann",
            email=f"{name.lower()}@firm1.example",
            phone="",
        )
        for name in ("Dustin", "Hanna", "Friederike")
    ]
    assert likely(rows) == set()


def test_a_chain_of_records_each_like_the_next_is_not_one_person() -> None:
    chain = [
        row("Ada", "Quinn", "ada.quinn@hooli.example", "+41791111111", "Bern", "Hooli AG"),
        row("Ada", "Brinkmann", "ada.quinn@hooli.example", "+41792222222", "Bern", "Hooli AG"),
        row("Grace", "Brinkmann", "grace.kelly@hooli.example", "+41792222222", "Bern", "Hooli AG"),
        row("Grace", "Kelly", "grace.kelly@hooli.example", "+41793333333", "Bern", "Hooli AG"),
    ]
    found = find(chain)
    pairs = zip(
        found.left.tolist(), found.right.tolist(), found.probabilities.tolist(), strict=True
    )
    groups = clusters(pairs, threshold=found.document.threshold)
    assert not any({0, 3} <= group or {0, 2} <= group or {1, 3} <= group for group in groups)


def test_values_of_any_length_and_kind_of_letter_are_no_error() -> None:
    odd = [
        row("x" * 5_000, "y" * 5_000, "z" * 300 + "@" + "w" * 300, "9" * 400, "q" * 900),
        row("\x00\x07", "\u202e\u200b", "a@b@c", "++--", "\ud7ff", "💥 GmbH", "👩‍💻"),
        row("'; DROP TABLE", "%_\\", "a'b@c.de", "(((", "{}", "<script>", "NULL"),
    ]
    assert likely([*odd, *odd]) <= {(0, 3), (1, 4), (2, 5)}
