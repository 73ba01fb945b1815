"""Groups of duplicates on their page, in the export and in the API."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.conftest import Cast
from apps.crm.models import Record
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.crm.tests.pages import words
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tests.factories import MatchRunFactory, pair_of

LIST = "/duplicates/groups/"
API = "/api/v1/duplicates/groups/"


def group_of(number: int, records: list[Record], *probabilities: float) -> list[Pair]:
    """The first record as a pair with each of the others, of one cluster."""
    first, *others = records
    return [
        pair_of(first, other, probability=probability, cluster=number)
        for other, probability in zip(others, probabilities, strict=True)
    ]


def three_leads(cast: Cast, **fields: Any) -> list[Record]:
    return [LeadFactory(owner=cast.rep, **fields) for _ in range(3)]


def listed(answer: Any) -> list[int]:
    return [shown.row["cluster"] for shown in answer.context["groups"]]


def test_a_group_shows_its_records_what_tells_them_apart_and_its_pairs(
    cast: Cast, client_for: Any
) -> None:
    shared = {"owner": cast.rep, "first_name": "Ann", "last_name": "Lee", "phone": ""}
    contact = ContactFactory(**shared, email="ann@isdom.com", account=None)
    leads = [
        LeadFactory(**shared, company="Isdom", email=email)
        for email in ("ann@isdom.com", "lee@isdom.com")
    ]
    pairs = group_of(7, [contact, *leads], 0.995, 0.9)
    page = client_for(cast.rep).get(LIST)
    (shown,) = page.context["groups"]
    assert [member.side.record for member in shown.members] == [contact, *leads]
    emails = [
        [value.text for value in member.apart if value.name == "email"] for member in shown.members
    ]
    assert emails == [["ann@isdom.com"], ["ann@isdom.com"], ["lee@isdom.com"]]
    assert [value.text for value in shown.shared if value.name == "owner"] == ["Rita Rep"]
    assert [(link.pair, link.numbers) for link in shown.pairs] == [
        (pairs[0], (1, 2)),
        (pairs[1], (1, 3)),
    ]
    assert (shown.weakest.label, shown.strongest.label) == ("Likely", "Almost certain")
    text = words(page)
    assert "3 records" in text
    assert "Pairs from 90 % (likely) to >99 % (almost certain)" in text.replace("\xa0", " ")
    assert 'href="/duplicates/?cluster=7" data-pair-link>Its 2 pairs' in page.content.decode()


def test_groups_stand_in_the_band_of_their_weakest_pair_the_surest_first(
    cast: Cast, client_for: Any
) -> None:
    group_of(1, three_leads(cast), 0.999, 0.8)
    group_of(2, three_leads(cast), 0.995, 0.992)
    group_of(3, three_leads(cast), 0.9, 0.95)
    # A pair alone is no group.
    pair_of(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep), cluster=4)
    client = client_for(cast.rep)
    page = client.get(LIST)
    assert listed(page) == [2, 3, 1]
    counts = [(band.label, count) for band, count in page.context["bands"]]
    assert counts == [("Almost certain", 1), ("Likely", 2), ("Possible", 0)]
    assert [listed(client.get(f"{LIST}?band={band}")) for band in ("certain", "likely")] == [
        [2],
        [3, 1],
    ]


def test_groups_are_narrowed_by_one_of_their_pairs(cast: Cast, client_for: Any) -> None:
    first = three_leads(cast)
    group_of(1, [*first[:2], LeadFactory(owner=cast.rep, last_name="Quarz")], 0.9, 0.8)
    contacts = [ContactFactory(owner=cast.teammate) for _ in range(3)]
    group_of(2, list(contacts), 0.97, 0.9)
    group_of(3, [AccountFactory(owner=cast.rep) for _ in range(3)], 0.9, 0.9)
    client = client_for(cast.rep)
    queries = (
        "q=quarz", "kind=contact", "subject=company", f"owner={cast.teammate.pk}", "at_least=96",
    )  # fmt: skip
    assert {query: listed(client.get(f"{LIST}?{query}")) for query in queries} == {
        "q=quarz": [1], "kind=contact": [2], "subject=company": [3],
        f"owner={cast.teammate.pk}": [2], "at_least=96": [2],
    }  # fmt: skip


def test_only_what_one_sees_counts(cast: Cast, client_for: Any) -> None:
    records = three_leads(cast)
    group_of(1, [*records, LeadFactory(owner=cast.outsider)], 0.9, 0.9, 0.99)
    others = [LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep)]
    group_of(2, [*others, LeadFactory(owner=cast.outsider)], 0.9, 0.9)
    settled = pair_of(records[1], records[2], cluster=1, probability=0.6)
    Pair.objects.filter(pk=settled.pk).update(state=PairState.NOT_DUPLICATE)
    (mine,) = client_for(cast.rep).get(LIST).context["groups"]
    assert (mine.row["cluster"], mine.row["pairs"], len(mine.refs)) == (1, 2, 3)
    both = client_for(cast.manager).get(LIST).context["groups"]
    assert [(shown.row["cluster"], len(shown.refs)) for shown in both] == [(1, 4), (2, 3)]


@pytest.mark.parametrize("name", ["subject", "kind", "band", "owner", "at_least", "page"])
def test_a_filter_that_there_is_not_is_told_on_the_page(
    cast: Cast, client_for: Any, name: str
) -> None:
    assert client_for(cast.rep).get(LIST, {name: "zzz'"}).status_code == 200


def test_without_groups_the_page_says_why(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    assert "Nobody has looked yet" in words(client.get(LIST))
    MatchRunFactory()
    assert "No groups" in words(client.get(LIST))
    assert "No group fits these filters" in words(client.get(f"{LIST}?q=x"))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_as_many_queries_for_one_group_of_each_kind_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    MatchRunFactory()
    for number in range(1, rows + 1):
        group_of(number, three_leads(cast), 0.9, 0.9)
        account = AccountFactory(owner=cast.rep, parent=AccountFactory(owner=cast.teammate))
        contacts = [ContactFactory(owner=cast.rep, account=account) for _ in range(3)]
        group_of(10 + number, list(contacts), 0.9, 0.9)
        companies = [account, AccountFactory(owner=cast.rep), AccountFactory(owner=cast.rep)]
        group_of(20 + number, list(companies), 0.9, 0.9)
    client = client_for(cast.rep)
    client.get(LIST)
    with django_assert_num_queries(LIST_QUERIES):
        assert len(listed(client.get(LIST))) == 3 * rows


LIST_QUERIES = 21


def test_groups_are_exported_as_on_screen_a_line_for_each_record(
    cast: Cast, client_for: Any
) -> None:
    records = three_leads(cast)
    group_of(5, records, 0.9, 0.95)
    group_of(6, three_leads(cast), 0.999, 0.999)
    answer = client_for(cast.rep).get(f"{LIST}export.csv?band=likely")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    first, second, third = records
    assert [line.split(",")[:6] for line in lines[1:]] == [
        ["5", "Likely", "0.9", "0.95", "3", "2"]
    ] * 3
    assert [line.rpartition(",")[2] for line in lines[1:]] == [
        f"lead:{record.pk}" for record in (first, third, second)
    ]


def test_the_api_tells_groups_with_their_records(cast: Cast, api_for: Any) -> None:
    records = three_leads(cast)
    group_of(5, records, 0.995, 0.9)
    group_of(6, three_leads(cast), 0.999, 0.999)
    client = api_for(cast.rep)
    body = client.get(f"{API}?band=likely").json()
    assert body == {
        "next": None,
        "results": [
            {
                "cluster": 5, "subject": "person", "band": "likely", "strongest_band": "certain",
                "weakest_0_1": 0.9, "strongest_0_1": 0.995, "pairs": 2,
                "records": [{"kind": "lead", "id": record.pk} for record in records],
            }
        ],
    }  # fmt: skip
    pages = client.get(f"{API}?page_size=1").json()
    following = client.get(pages["next"]).json()
    assert [page["results"][0]["cluster"] for page in (pages, following)] == [5, 6]
    assert client.get(f"{API}?state=open").status_code == 400


@pytest.mark.parametrize("rows", [1, 3])
def test_the_api_takes_as_many_queries_for_one_group_as_for_three(
    rows: int, cast: Cast, api_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, rows + 1):
        group_of(number, three_leads(cast), 0.9, 0.9)
    client = api_for(cast.rep)
    client.get(API)
    with django_assert_num_queries(8):
        assert len(client.get(API).json()["results"]) == rows
