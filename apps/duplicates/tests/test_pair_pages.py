"""The pages of duplicates: who sees which pairs, filters, one pair, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    merge,
)
from apps.crm.tests.pages import words
from apps.duplicates.bands import sureness
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tests.factories import MatcherFactory, MatchRunFactory, pair_of
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant

LIST = "/duplicates/"


def two_leads(cast: Cast, **fields: Any) -> Pair:
    """Two leads of the rep that may be the same."""
    return pair_of(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep), **fields)


def listed(answer: Any) -> list[int]:
    return [shown.pair.pk for shown in answer.context["pairs"]]


def test_pairs_stand_by_band_the_most_likely_first(cast: Cast, client_for: Any) -> None:
    possible = two_leads(cast, probability=0.4, is_likely=False)
    likely = two_leads(cast, probability=0.9)
    certain = two_leads(cast, probability=0.999)
    conflict = two_leads(cast, probability=0.998, is_likely=False, has_conflict=True)
    page = client_for(cast.rep).get(LIST)
    assert listed(page) == [certain.pk, likely.pk, conflict.pk, possible.pk]
    assert [*Pair.objects.surest_first()] == [
        *Pair.objects.order_by(sureness().desc(), "-probability")
    ]
    assert [(band.label, count) for band, count in page.context["bands"]] == [
        ("Almost certain", 1),
        ("Likely", 1),
        ("Possible", 2),
    ]
    assert "Both addresses answered" in words(page)


def test_who_does_not_see_both_records_sees_no_pair(cast: Cast, client_for: Any) -> None:
    pairs = {
        (one, other): pair_of(LeadFactory(owner=one), LeadFactory(owner=other))
        for one in (cast.rep, cast.outsider)
        for other in (cast.teammate, cast.outsider)
    }
    mine = pairs[cast.rep, cast.teammate]
    client = client_for(cast.rep)
    assert listed(client.get(LIST)) == [mine.pk]
    assert len(listed(client_for(cast.manager).get(LIST))) == 4
    statuses = {
        key: [
            client.get(pair.get_absolute_url()).status_code,
            client.post(f"{pair.get_absolute_url()}not-a-duplicate/").status_code,
        ]
        for key, pair in pairs.items()
    }
    assert statuses == {key: [200, 302] if pairs[key] == mine else [404, 404] for key in pairs}
    assert Pair.objects.filter(state=PairState.NOT_DUPLICATE).get() == mine


def test_pairs_are_narrowed(cast: Cast, client_for: Any) -> None:
    first = pair_of(ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep, last_name="Quarz"))
    second = pair_of(
        ContactFactory(owner=cast.teammate),
        ContactFactory(owner=cast.teammate, email="tulip@isdom.com"),
        probability=0.5,
        is_likely=False,
        cluster=7,
    )
    third = pair_of(AccountFactory(), AccountFactory(owner=cast.rep), probability=0.995)
    settled = two_leads(cast, state=PairState.NOT_DUPLICATE)
    client = client_for(cast.rep)
    found = {
        query: listed(client.get(f"{LIST}?{query}"))
        for query in (
            "q=quarz", "q=TULIP", "kind=lead", "kind=contact", "subject=company", "band=certain",
            "band=likely", "band=possible", f"owner={cast.rep.pk}", "at_least=96", "cluster=7",
            "state=not_duplicate", "state=gone",
        )
    }  # fmt: skip
    assert found == {
        "q=quarz": [first.pk], "q=TULIP": [second.pk], "kind=lead": [first.pk],
        "kind=contact": [first.pk, second.pk], "subject=company": [third.pk],
        "band=certain": [third.pk], "band=likely": [first.pk], "band=possible": [second.pk],
        f"owner={cast.rep.pk}": [third.pk, first.pk], "at_least=96": [third.pk],
        "cluster=7": [second.pk], "state=not_duplicate": [settled.pk],
        "state=gone": [third.pk, first.pk, second.pk],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["subject", "kind", "band", "state", "owner", "at_least", "page"])
def test_a_filter_that_there_is_not_is_told_on_the_page(
    cast: Cast, client_for: Any, name: str
) -> None:
    assert client_for(cast.rep).get(LIST, {name: "zzz'"}).status_code == 200


def test_the_threshold_is_told_with_what_it_is_worth(cast: Cast, client_for: Any) -> None:
    MatcherFactory()
    two_leads(cast, probability=0.75)
    two_leads(cast, probability=0.95)
    two_leads(cast, probability=0.6, is_likely=False)
    two_leads(cast, probability=0.99, is_likely=False, has_conflict=True)
    pair_of(LeadFactory(owner=cast.outsider), LeadFactory(owner=cast.rep))
    page = client_for(cast.rep).get(LIST)
    table = page.context["thresholds"]
    assert [(step.percent, step.pairs) for step in table.steps] == [("50", 3), ("90", 1), ("99", 0)]
    assert table.chosen.pairs == 2
    assert (round(table.chosen.precision, 3), round(table.chosen.recall, 3)) == (0.88, 0.8)
    assert (
        "From 70 % on two records are called likely duplicates. You see 2 such pairs; about "
        "88 % of such pairs are the same (precision), and about 80 % of all that are the same are among "
        "them (recall)." in words(page)
    )


def test_before_the_first_look_the_page_says_so(cast: Cast, client_for: Any) -> None:
    page = client_for(cast.rep).get(LIST)
    assert "Nobody has looked yet" in words(page)
    assert "Nothing was learned from your records yet" in words(page)
    MatchRunFactory()
    assert "No duplicates" in words(client_for(cast.rep).get(LIST))
    assert "No pair fits these filters" in words(client_for(cast.rep).get(f"{LIST}?q=x"))


def test_switched_off_it_says_so_and_starts_nothing(
    cast: Cast, acme: Tenant, client_for: Any
) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    page = client_for(cast.manager).get(LIST)
    assert "Duplicates are switched off" in words(page)
    assert "/duplicates/runs/start/" not in page.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_as_many_queries_for_one_pair_of_each_kind_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    MatcherFactory()
    MatchRunFactory()
    for _ in range(rows):
        two_leads(cast, cluster=1)
        pair_of(ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep))
        pair_of(AccountFactory(owner=cast.rep), AccountFactory(owner=cast.rep))
    client = client_for(cast.rep)
    client.get(LIST)
    with django_assert_num_queries(LIST_QUERIES):
        assert len(listed(client.get(LIST))) == 3 * rows


LIST_QUERIES = 23


@pytest.mark.parametrize("rows", [1, 3])
def test_a_pairs_page_takes_as_many_queries_for_one_of_a_group_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    MatcherFactory()
    pair = two_leads(cast, cluster=1)
    for _ in range(rows):
        two_leads(cast, cluster=1)
        ActivityFactory(lead_id=pair.survivor_id)
    client = client_for(cast.rep)
    client.get(pair.get_absolute_url())
    with django_assert_num_queries(PAIR_QUERIES):
        assert len(client.get(pair.get_absolute_url()).context["group"]) == rows


PAIR_QUERIES = 19


def test_a_pairs_page_sets_both_side_by_side(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(name="Isdom", owner=cast.rep)
    contact = ContactFactory(
        owner=cast.rep, first_name="Ann", last_name="Lee", email="ann@isdom.com", account=account
    )
    lead = LeadFactory(owner=cast.rep, first_name="Ann", last_name="Lee", email="ann@isdom.com")
    OpportunityFactory(contact=contact, account=account)
    for _ in range(2):
        ActivityFactory(lead=lead)
    page = client_for(cast.rep).get(pair_of(contact, lead).get_absolute_url())
    fields = {field.label: field for field in page.context["fields"]}
    assert [value and value.text for value in fields["E-mail"].values] == ["ann@isdom.com"] * 2
    assert not fields["E-mail"].differs
    assert [value and value.text for value in fields["Account"].values] == ["Isdom", None]
    assert fields["Account"].differs
    assert page.context["hanging"] == [["1 deal"], ["2 activities"]]
    # Of the two the contact is kept.
    assert [side.record for side in page.context["keepable"]] == [contact]


def test_what_speaks_for_and_against_adds_up(cast: Cast, client_for: Any) -> None:
    MatcherFactory()
    fields = {"owner": cast.rep, "first_name": "Ann", "last_name": "Quarz"}
    pair = pair_of(
        LeadFactory(**fields, email="ann@isdom.com"), LeadFactory(**fields, email="ann@isdom.com")
    )
    chart = client_for(cast.rep).get(pair.get_absolute_url()).context["chart"]
    assert chart.bars[0].label == "Any two records"
    assert round(sum(bar.bits for bar in chart.bars), 6) == round(chart.weight_bits, 6)
    assert [bar.is_against for bar in chart.bars[:2]] == [True, False]
    assert chart.bars[1].label == "E-mail"


@pytest.mark.parametrize(
    ("fields", "short"),
    [
        ({}, "Other pairs speak against it"),
        ({"weights": {"given_name": -5.0, "phone": 9.0}}, "Other names"),
        ({"has_conflict": True}, "Both addresses answered"),
    ],
)
def test_why_a_probable_pair_is_only_called_possible(
    fields: dict[str, Any], short: str, cast: Cast, client_for: Any
) -> None:
    first, second, third = (LeadFactory(owner=cast.rep) for _ in range(3))
    pair = pair_of(first, second, probability=0.999, is_likely=False, **fields)
    other = pair_of(first, third, state=PairState.NOT_DUPLICATE, is_likely=False)
    two_leads(cast, probability=0.3, is_likely=False)
    client = client_for(cast.rep)
    cards = client.get(LIST).context["pairs"]
    assert [card.held_back and card.held_back.short for card in cards] == [short, None]
    page = client.get(pair.get_absolute_url())
    assert page.context["shown"].held_back.title in words(page)
    # Those that speak against it are named.
    named = [shown.pair for shown in page.context["group"]]
    assert named == ([other] if fields == {} else [])


def test_signs_that_nobody_sees_are_named(cast: Cast, client_for: Any) -> None:
    leads = [
        LeadFactory(owner=cast.rep, last_name="Quarz\u202e", title="Buy\u200ber") for _ in range(3)
    ]
    pair = pair_of(*leads[:2], cluster=1)
    pair_of(*leads[1:], cluster=1)
    client = client_for(cast.rep)
    for path in (LIST, "/duplicates/groups/", pair.get_absolute_url()):
        page = client.get(path).content.decode()
        assert "Quarz[U+202E]" in page, path
        assert not {"\u202e", "\u200b"} & {*page}, path


def test_not_a_duplicate_is_remembered_and_can_be_taken_back(cast: Cast, client_for: Any) -> None:
    pair, client = two_leads(cast), client_for(cast.rep)
    answer = client.post(
        f"{pair.get_absolute_url()}not-a-duplicate/", {"next": f"{LIST}?band=likely"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}?band=likely")
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == (PairState.NOT_DUPLICATE, cast.rep)
    assert listed(client.get(LIST)) == []
    page = words(client.get(pair.get_absolute_url()))
    assert "Not a duplicate said" in page
    assert "by Rita Rep" in page
    client.post(f"{pair.get_absolute_url()}take-back/")
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == (PairState.OPEN, None)
    assert list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))[-2:] == [
        Event.PAIR_NOT_DUPLICATE,
        Event.PAIR_REOPENED,
    ]


def test_the_page_of_a_merged_pair_leads_to_the_survivor(cast: Cast, client_for: Any) -> None:
    contact, lead = ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    pair = pair_of(contact, lead, state=PairState.MERGED, is_likely=False)
    merge(lead, contact)
    answer = client_for(cast.rep).get(pair.get_absolute_url())
    assert (answer.status_code, answer.headers["Location"]) == (302, contact.get_absolute_url())


def test_pairs_are_exported_as_on_screen(cast: Cast, client_for: Any) -> None:
    pair = two_leads(cast)
    two_leads(cast, probability=0.3, is_likely=False)
    answer = client_for(cast.rep).get("/duplicates/export.csv?band=likely")
    rows = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(rows) == 2
    assert rows[1].startswith(f"{pair.pk},Likely,0.95,To be looked at,")


@pytest.mark.parametrize("rows", [1, 3])
def test_an_export_takes_as_many_queries_for_one_pair_of_a_group_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        two_leads(cast, cluster=1)
    client = client_for(cast.rep)
    client.get(LIST)
    with django_assert_num_queries(EXPORT_QUERIES):
        answer = client.get("/duplicates/export.csv")
        written = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(written) == 1 + rows


EXPORT_QUERIES = 9


def test_reps_start_no_looks(cast: Cast, client_for: Any) -> None:
    rep = client_for(cast.rep)
    run = MatchRunFactory()
    assert [
        rep.get("/duplicates/runs/").status_code,
        rep.get(run.get_absolute_url()).status_code,
        rep.post("/duplicates/runs/start/", {"subject": "person"}).status_code,
    ] == [403, 403, 403]
