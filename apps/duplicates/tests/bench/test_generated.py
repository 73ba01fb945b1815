"""Generated tables are the same for a seed, tell the truth, and hold what CRMs hold."""

from __future__ import annotations

import csv
from collections import defaultdict
from itertools import islice
from pathlib import Path

from apps.duplicates.bench.generated.crm import Slip, generate_accounts, generate_people
from apps.duplicates.bench.generated.persons import COLUMNS, generate_persons, write_persons
from apps.duplicates.matching.fields import Field


def test_the_same_seed_gives_the_same_tables() -> None:
    assert generate_people(60, seed=3) == generate_people(60, seed=3)
    assert generate_accounts(60, seed=3) == generate_accounts(60, seed=3)
    assert list(generate_persons(500, seed=3)) == list(generate_persons(500, seed=3))
    assert list(generate_persons(500, seed=3)) != list(generate_persons(500, seed=4))


def test_as_many_persons_as_asked_for_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "persons.csv"
    write_persons(path, 1_000, seed=1)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1_000
    assert tuple(rows[0]) == COLUMNS
    assert len({row["cluster"] for row in rows}) == 793


def test_persons_are_drawn_one_by_one() -> None:
    first = list(islice(generate_persons(10**9, seed=1), 3))
    assert [person.cluster for person in first] == [0, 1, 2]


def test_every_other_record_about_a_person_says_what_differs() -> None:
    records = generate_people(800, seed=2)
    by_subject = defaultdict(list)
    for record in records:
        by_subject[record.subject].append(record)
    assert len(by_subject) == 800
    for same in by_subject.values():
        first = [record for record in same if not record.slips]
        assert len(first) == 1
        for other in same:
            assert not other.slips or other.row != first[0].row
    assert {slip for record in records for slip in record.slips} == set(Slip) - {
        Slip.COMPANY_SHORTENED,
        Slip.OTHER_STREET,
        Slip.WEBSITE_WRITTEN_OTHERWISE,
    }


def test_people_have_namesakes_elsewhere_relatives_at_work_and_share_numbers() -> None:
    firsts = [record for record in generate_people(800, seed=2) if not record.slips]
    by_name, by_company, by_number = defaultdict(set), defaultdict(list), defaultdict(set)
    for record in firsts:
        row = record.row
        by_name[row[Field.GIVEN_NAME], row[Field.SURNAME]].add(row[Field.CITY])
        by_company[row[Field.COMPANY]].append(row[Field.SURNAME])
        by_number[row[Field.PHONE]].add(record.subject)
    assert max(len(cities) for cities in by_name.values()) >= 2
    assert max(len(people) for people in by_company.values()) >= 60
    assert any(len(names) > len(set(names)) for names in by_company.values())
    assert max(len(people) for people in by_number.values()) >= 10


def test_accounts_have_sisters_with_the_same_website() -> None:
    firsts = [record for record in generate_accounts(300, seed=2) if not record.slips]
    assert len(firsts) == 330
    by_website = defaultdict(set)
    for record in firsts:
        by_website[record.row[Field.WEBSITE]].add(record.row[Field.COMPANY])
    assert max(len(names) for names in by_website.values()) == 2
