"""The search behind the box in the header: what it finds, for whom, and at what cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.http import HttpResponse
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import AccountFactory, LeadFactory, OpportunityFactory, TaskFactory
from apps.crm.tests.pages import listed, make, url, words
from apps.tenants.models import Tenant

SEARCH = "/search/"
NAMES = {
    RecordKind.LEAD: "last_name",
    RecordKind.CONTACT: "last_name",
    RecordKind.ACCOUNT: "name",
    RecordKind.OPPORTUNITY: "name",
    RecordKind.TASK: "title",
}


def make_named(kind: RecordKind, name: str, **fields: Any) -> Any:
    """Make a record that is found by its name."""
    return make(kind, **{NAMES[kind]: name}, **fields)


def found(answer: HttpResponse) -> dict[str, list[int]]:
    """The ids of what was found, by kind, in order."""
    groups = answer.context["groups"]  # type: ignore[attr-defined]
    return {group.layout.kind.value: [hit.record.pk for hit in group.hits] for group in groups}


def test_each_kind_is_found_by_a_part_of_its_name(cast: Cast, client_for: Any) -> None:
    records = {kind.value: [make_named(kind, "Zephyrine").pk] for kind in NAMES}
    make(RecordKind.ACTIVITY, subject="Zephyrine")
    for kind in NAMES:
        make_named(kind, "Other")
    answer = client_for(cast.rep).get(SEARCH, {"q": "EPHYR"})
    assert (answer.status_code, found(answer)) == (200, records)


@pytest.mark.parametrize("kind", list(NAMES))
def test_a_rep_finds_their_own_their_teams_and_nobodys(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    seen = [
        make_named(kind, "Zephyrine", owner=owner).pk for owner in (cast.rep, cast.teammate, None)
    ]
    make_named(kind, "Zephyrine Hidden", owner=cast.outsider)
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"})
    assert {name: sorted(ids) for name, ids in found(answer).items()} == {kind.value: seen}
    assert "Hidden" not in words(answer)


def test_a_deal_of_another_team_is_not_found_by_an_account_that_the_rep_sees(
    cast: Cast, client_for: Any
) -> None:
    account = AccountFactory(name="Zephyrine", owner=cast.rep)
    OpportunityFactory(name="Secret", account=account, owner=cast.outsider)
    deal = OpportunityFactory(name="Open", account=account, owner=cast.rep)
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"})
    assert found(answer) == {"account": [account.pk], "opportunity": [deal.pk]}


def test_hidden_records_do_not_tell_themselves_by_more_than_is_shown(
    cast: Cast, client_for: Any
) -> None:
    for _ in range(5):
        LeadFactory(company="Zephyrine", owner=cast.rep)
    LeadFactory(company="Zephyrine", owner=cast.outsider)
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"})
    assert [group.all_url for group in answer.context["groups"]] == [""]


def test_a_manager_finds_all(cast: Cast, client_for: Any) -> None:
    hidden = LeadFactory(company="Zephyrine", owner=cast.outsider)
    answer = client_for(cast.manager).get(SEARCH, {"q": "zephyrine"})
    assert found(answer) == {"lead": [hidden.pk]}


def test_another_tenants_records_are_not_found(cast: Cast, globex: Tenant, client_for: Any) -> None:
    with globex:
        for kind in NAMES:
            make_named(kind, "Zephyrine")
    answer = client_for(cast.admin).get(SEARCH, {"q": "zephyrine"})
    assert (answer.status_code, found(answer)) == (200, {})


def test_only_kinds_that_the_role_includes_are_searched(cast: Cast, client_for: Any) -> None:
    lead, _ = make_named(RecordKind.LEAD, "Zephyrine"), make_named(RecordKind.TASK, "Zephyrine")
    narrow = Group.objects.create(name="leads alone")
    narrow.permissions.set(Permission.objects.filter(codename="view_lead"))
    cast.rep.groups.set([narrow])
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"})
    assert found(answer) == {"lead": [lead.pk]}


def test_without_a_role_there_is_no_search(cast: Cast, client_for: Any) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(SEARCH, {"q": "zephyrine"}).status_code == 403


def test_strangers_are_sent_to_the_sign_in_page(anonymous_client: Any) -> None:
    answer = anonymous_client.get(SEARCH, {"q": "zephyrine"})
    assert (answer.status_code, answer["Location"]) == (
        302, "/sign-in/?next=/search/%3Fq%3Dzephyrine",
    )  # fmt: skip


def test_what_is_more_than_shown_is_one_link_away(cast: Cast, client_for: Any) -> None:
    leads = [LeadFactory(company="Zephyrine & Co", status="converted") for _ in range(6)]
    client = client_for(cast.rep)
    answer = client.get(SEARCH, {"q": "zephyrine &"})
    newest_first = [lead.pk for lead in reversed(leads)]
    assert found(answer) == {"lead": newest_first[:5]}
    (group,) = answer.context["groups"]
    assert group.all_url == "/leads/?q=zephyrine+%26"
    assert "All 5+ in Leads" in words(answer)
    assert listed(client.get(group.all_url)) == newest_first


def test_five_are_all_there_are(cast: Cast, client_for: Any) -> None:
    LeadFactory.create_batch(5, company="Zephyrine")
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"})
    assert [(len(group.hits), group.all_url) for group in answer.context["groups"]] == [(5, "")]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_search_takes_as_many_queries_for_one_row_as_for_three(
    rows: int,
    cast: Cast,
    client_for: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        for kind in NAMES:
            make_named(kind, "Zephyrine", owner=cast.teammate)
    client = client_for(cast.rep)
    with django_assert_num_queries(12):
        answer = client.get(SEARCH, {"q": "zephyrine"})
    assert {len(ids) for ids in found(answer).values()} == {rows}


@pytest.mark.parametrize("asked", [{}, {"q": ""}, {"q": "  "}, {"q": "\0"}, {"q": "z"}])
def test_what_is_too_short_asks_no_table(
    asked: dict[str, str],
    cast: Cast,
    client_for: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    LeadFactory(last_name="z")
    client = client_for(cast.rep)
    with django_assert_num_queries(7):
        answer = client.get(SEARCH, asked)
    assert found(answer) == {}
    said = "Type one more letter" if asked.get("q") == "z" else "Find a lead"
    assert said in words(answer)


def test_two_letters_are_a_name(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory(first_name="Xu", company="", email="")
    assert found(client_for(cast.rep).get(SEARCH, {"q": " xu "})) == {"lead": [lead.pk]}


def test_nothing_found_says_so_and_what_to_do(cast: Cast, client_for: Any) -> None:
    text = words(client_for(cast.rep).get(SEARCH, {"q": "<b>nobody"}))
    assert "Nothing found for “<b>nobody”" in text
    assert "Take a word away" in text


@pytest.mark.parametrize(
    "text",
    [
        "%%", "__", "\\\\", "' OR 1=1 --", '"; DROP TABLE crm_lead; --', "x" * 5000, "a b " * 400,
        "zz\0zz", "(((", "[a-z]+", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "{{ 7 }}", "\u202ezz", "..",
    ],
)  # fmt: skip
def test_hostile_text_finds_nothing_and_breaks_nothing(
    text: str, cast: Cast, client_for: Any
) -> None:
    for kind in NAMES:
        make(kind)
    for headers in ({}, {"HX-Request": "true", "HX-Target": "search-results"}):
        answer = client_for(cast.rep).get(SEARCH, {"q": text}, headers=headers)
        assert (answer.status_code, found(answer)) == (200, {})


def test_wildcards_are_searched_for_as_they_are(cast: Cast, client_for: Any) -> None:
    task = TaskFactory(title="Offer 100%_off")
    TaskFactory(title="Offer 100 % off")
    assert found(client_for(cast.rep).get(SEARCH, {"q": "100%_"})) == {"task": [task.pk]}


def test_long_text_is_cut_not_refused(cast: Cast, client_for: Any) -> None:
    answer = client_for(cast.rep).get(SEARCH, {"q": "zephyrine " * 100})
    assert answer.context["search_text"] == ("zephyrine " * 100)[:200]


def test_names_are_text_also_where_they_are_marked(cast: Cast, client_for: Any) -> None:
    AccountFactory(name="<script>alert('zephyrine')</script>")
    html = client_for(cast.rep).get(SEARCH, {"q": "script zephyrine"}).content.decode()
    assert "<script>alert" not in html
    assert "&lt;<mark>script</mark>&gt;alert(&#x27;<mark>zephyrine</mark>&#x27;)" in html


def test_matches_are_marked_only_where_they_were_looked_for(cast: Cast, client_for: Any) -> None:
    cast.rep.last_name = "Zephyrine"
    cast.rep.save()
    LeadFactory(company="Zephyrine Ltd", owner=cast.rep)
    html = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"}).content.decode()
    assert html.count("<mark>") == 1


def test_htmx_gets_the_results_alone(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory(last_name="Zephyrine")
    client = client_for(cast.rep)
    headers = {"HX-Request": "true", "HX-Target": "search-results"}
    answer = client.get(SEARCH, {"q": "zephyrine"}, headers=headers)
    assert found(answer) == {"lead": [lead.pk]}
    html = answer.content.decode()
    assert ("<html" in html, 'hx-swap-oob="innerHTML:#search-status">1 lead<' in html) == (
        False, True,
    )  # fmt: skip
    # A browser must not keep it as the page of that address.
    assert answer["Vary"] == "HX-Request, HX-Target, Cookie"
    assert "<html" in client.get(SEARCH, {"q": "zephyrine"}).content.decode()


@pytest.mark.parametrize("address", ["/", "/suggestions/", "/leads/", "/audit/", "/profile/"])
def test_every_page_has_the_box(address: str, cast: Cast, client_for: Any) -> None:
    html = client_for(cast.rep).get(address).content.decode()
    assert f'<form class="header-search" action="{reverse("crm:search")}" method="get"' in html


def test_search_only_reads(cast: Cast, client_for: Any) -> None:
    assert client_for(cast.rep).post(SEARCH, {"q": "zephyrine"}).status_code == 405


def test_tasks_and_their_records_names(cast: Cast, client_for: Any) -> None:
    deal = OpportunityFactory(name="Isdom GTX")
    TaskFactory(title="Zephyrine", opportunity=deal, due_on=None)
    text = words(client_for(cast.rep).get(SEARCH, {"q": "zephyrine"}))
    assert "Zephyrine Isdom GTX" in text


def test_url_of_a_list_is_the_kinds_own(cast: Cast, client_for: Any) -> None:
    for kind in NAMES:
        for _ in range(6):
            make_named(kind, "Zephyrine")
    groups = client_for(cast.rep).get(SEARCH, {"q": "zephyrine"}).context["groups"]
    assert [group.all_url for group in groups] == [
        f"{url(kind, 'list')}?q=zephyrine" for kind in NAMES
    ]
