"""The lists of records: who sees what, search, filters, sorting and pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    StageFactory,
    TaskFactory,
)
from apps.crm.tests.pages import OWNED_KINDS, listed, make, url, words
from apps.tenants.models import Tenant
from apps.tenants.templatetags import aisha_ui
from apps.users.models import User

BERLIN = ZoneInfo("Europe/Berlin")
# The query string that shows all rows of a kind, whatever its own view is.
EVERYTHING = {"q": ""}


@pytest.mark.parametrize("kind", OWNED_KINDS)
def test_a_rep_sees_their_own_their_teams_and_nobodys(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    own, team, nobodys = (make(kind, owner=owner) for owner in (cast.rep, cast.teammate, None))
    make(kind, owner=cast.outsider)
    answer = client_for(cast.rep).get(url(kind, "list"), EVERYTHING)
    assert sorted(listed(answer)) == sorted([own.pk, team.pk, nobodys.pk])


@pytest.mark.parametrize("kind", OWNED_KINDS)
def test_a_manager_sees_all(kind: RecordKind, cast: Cast, client_for: Any) -> None:
    records = [make(kind, owner=owner) for owner in (cast.rep, cast.outsider, None)]
    answer = client_for(cast.manager).get(url(kind, "list"), EVERYTHING)
    assert sorted(listed(answer)) == sorted(record.pk for record in records)


def test_everybody_sees_the_price_list(cast: Cast, client_for: Any) -> None:
    product = ProductFactory(owner=cast.outsider)
    assert listed(client_for(cast.rep).get(url("product", "list"))) == [product.pk]


@pytest.mark.parametrize("kind", list(RecordKind))
def test_another_tenants_rows_are_in_no_list(
    kind: RecordKind, cast: Cast, globex: Tenant, client_for: Any
) -> None:
    with globex:
        make(kind)
    answer = client_for(cast.admin).get(url(kind, "list"), EVERYTHING)
    assert (answer.status_code, listed(answer)) == (200, [])


def test_without_a_role_there_is_no_list(cast: Cast, client_for: Any) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(url("lead", "list")).status_code == 403


def test_strangers_are_sent_to_the_sign_in_page(anonymous_client: Any) -> None:
    answer = anonymous_client.get(url("lead", "list"))
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/leads/")


QUERIES = {
    RecordKind.LEAD: 12, RecordKind.CONTACT: 11, RecordKind.ACCOUNT: 11, RecordKind.OPPORTUNITY: 12,
    RecordKind.ACTIVITY: 10, RecordKind.TASK: 10, RecordKind.CONTRACT: 10, RecordKind.PRODUCT: 9,
    RecordKind.DRAFT: 10,
}  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("kind", list(RecordKind))
def test_a_list_takes_as_many_queries_for_one_row_as_for_three(
    kind: RecordKind,
    rows: int,
    cast: Cast,
    client_for: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        make(kind, owner=cast.rep)
    client = client_for(cast.rep)
    with django_assert_num_queries(QUERIES[kind]):
        answer = client.get(url(kind, "list"), EVERYTHING)
    assert len(listed(answer)) == rows


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("ada", True),
        ("LOVELACE", True),
        ("ada analytical", True),
        ("ada babbage", False),
        ("ada@ENGINE", True),
        ("100%", False),
        ("_da", False),
        ("\\", False),
    ],
)
def test_search_wants_every_word_somewhere(
    text: str, finds: bool, cast: Cast, client_for: Any
) -> None:
    LeadFactory(
        first_name="Ada", last_name="Lovelace", company="Analytical", email="ada@engine.example"
    )
    answer = client_for(cast.rep).get(url("lead", "list"), {"q": text})
    assert len(listed(answer)) == (1 if finds else 0)


def test_wildcards_are_searched_for_as_they_are(cast: Cast, client_for: Any) -> None:
    rebate = LeadFactory(company="100% Rebate")
    LeadFactory(company="1000 Rebates")
    assert listed(client_for(cast.rep).get(url("lead", "list"), {"q": "100%"})) == [rebate.pk]


def test_deals_are_found_by_their_account(cast: Cast, client_for: Any) -> None:
    deal = OpportunityFactory(name="Renewal", account=AccountFactory(name="Isdom"))
    OpportunityFactory(name="Renewal", account=AccountFactory(name="Konex"))
    answer = client_for(cast.rep).get(url("opportunity", "list"), {"q": "renewal isdom"})
    assert listed(answer) == [deal.pk]


def test_search_shows_nothing_that_the_rep_may_not_see(cast: Cast, client_for: Any) -> None:
    LeadFactory(last_name="Hidden", owner=cast.outsider)
    assert listed(client_for(cast.rep).get(url("lead", "list"), {"q": "hidden"})) == []


def test_lists_open_with_what_is_being_worked_on(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    open_lead, done = LeadFactory(status="working"), LeadFactory(status="converted")
    open_deal, won = OpportunityFactory(), OpportunityFactory(stage=StageFactory(key="won"))
    open_task, ticked = TaskFactory(), TaskFactory(status="done")
    for kind, wanted, other in (
        ("lead", open_lead, done),
        ("opportunity", open_deal, won),
        ("task", open_task, ticked),
    ):
        assert listed(client.get(url(kind, "list"))) == [wanted.pk]
        # A page further and a sorting are no filter: the view stays.
        assert listed(client.get(url(kind, "list"), {"page": "1"})) == [wanted.pk]
        everything = listed(client.get(url(kind, "list"), EVERYTHING))
        assert sorted(everything) == sorted([wanted.pk, other.pk])


def test_filters_of_leads(cast: Cast, client_for: Any) -> None:
    client, address = client_for(cast.rep), url("lead", "list")
    now = timezone.now()
    mine = LeadFactory(owner=cast.rep, status="new", source="hubspot", lead_source="Event")
    team = LeadFactory(owner=cast.teammate, status="qualified")
    nobodys = LeadFactory(owner=None, status="unqualified")
    ActivityFactory(lead=team, occurred_at=now - timedelta(days=40))
    ActivityFactory(lead=mine, occurred_at=now - timedelta(days=2))
    for asked, wanted in (
        ({"owner": "me"}, [mine]),
        ({"owner": "nobody"}, [nobodys]),
        ({"owner": str(cast.teammate.pk)}, [team]),
        ({"status": "open"}, [team, mine]),
        ({"status": "unqualified"}, [nobodys]),
        ({"silent": "30"}, [nobodys, team]),
        ({"source": "hubspot"}, [mine]),
        ({"lead_source": "Event"}, [mine]),
    ):
        assert listed(client.get(address, asked)) == [lead.pk for lead in wanted], asked


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    """A fixed day: half past midnight in the tenant's time zone, and still yesterday in UTC."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 11, 0, 30, tzinfo=BERLIN))
    return date(2026, 3, 11)


def test_filters_of_deals_and_tasks_by_day(today: date, cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    days = {"late": -1, "today": 0, "soon": 5, "later": 60}
    deals = {
        name: OpportunityFactory(expected_close_on=today + timedelta(days=distance))
        for name, distance in days.items()
    }
    tasks = {
        name: TaskFactory(due_on=today + timedelta(days=distance))
        for name, distance in days.items()
    }
    undated = TaskFactory(due_on=None)
    for name, names in (("past", ["late"]), ("30", ["today", "soon"])):
        found = listed(client.get(url("opportunity", "list"), {"closes": name}))
        assert sorted(found) == sorted(deals[wanted].pk for wanted in names)
    for name, wanted in (
        ("past", [tasks["late"]]),
        ("today", [tasks["today"]]),
        ("7", [tasks["today"], tasks["soon"]]),
        ("none", [undated]),
    ):
        found = listed(client.get(url("task", "list"), {"due": name}))
        assert found == [task.pk for task in wanted]


def test_a_link_narrows_the_list_to_one_account_and_says_so(cast: Cast, client_for: Any) -> None:
    isdom, konex = AccountFactory(name="Isdom"), AccountFactory(name="Konex")
    deals = [
        OpportunityFactory(account=isdom),
        OpportunityFactory(account=isdom, stage=StageFactory(key="lost")),
    ]
    OpportunityFactory(account=konex)
    answer = client_for(cast.rep).get(url("opportunity", "list"), {"account": isdom.pk})
    assert sorted(listed(answer)) == sorted(deal.pk for deal in deals)
    assert "Account: Isdom · Show all deals" in words(answer)


def test_the_name_of_a_hidden_account_is_not_told_by_the_filter(
    cast: Cast, client_for: Any
) -> None:
    hidden = AccountFactory(name="Secretive", owner=cast.outsider)
    answer = client_for(cast.rep).get(url("contact", "list"), {"account": hidden.pk})
    assert "Secretive" not in words(answer)


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "nonsense"}, {"owner": "999999999999"}, {"owner": "' OR 1=1"}, {"silent": "x"},
        {"account": "9" * 40}, {"sort": "password"}, {"sort": "-owner__password"}, {"q": "\0"},
        {"q": "x" * 5000}, {"stage": "abc"}, {"page": "9" * 30}, {"page": "-3"},
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_breaks_nothing(asked: Any, cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    assert client.get(url("lead", "list"), asked).status_code == 200
    assert client.get(url("opportunity", "list"), asked).status_code == 200


def test_sorting_turns_round_and_puts_empty_values_last(cast: Cast, client_for: Any) -> None:
    client, address = client_for(cast.rep), url("lead", "list")
    small, big, none = (LeadFactory(estimated_value=value) for value in (10, 900, None))
    ascending = listed(client.get(address, {"sort": "estimated_value"}))
    descending = listed(client.get(address, {"sort": "-estimated_value"}))
    assert ascending == [small.pk, big.pk, none.pk]
    assert descending == [big.pk, small.pk, none.pk]


def test_never_spoken_to_is_the_longest_silence(cast: Cast, client_for: Any) -> None:
    never, spoken = LeadFactory(), LeadFactory()
    ActivityFactory(lead=spoken, occurred_at=datetime(2026, 3, 2, tzinfo=UTC))
    answer = client_for(cast.rep).get(url("lead", "list"), {"sort": "last_activity_at"})
    assert listed(answer) == [never.pk, spoken.pk]


def test_pages_that_do_not_exist_show_the_nearest(cast: Cast, client_for: Any) -> None:
    LeadFactory.create_batch(51)
    client, address = client_for(cast.rep), url("lead", "list")
    sizes = {
        page: (answer.context["page"].number, len(listed(answer)))
        for page in ("1", "2", "999", "0", "-1", "abc", "")
        for answer in [client.get(address, {"page": page})]
    }
    first, second = (1, 50), (2, 1)
    assert sizes == {
        "1": first, "2": second, "999": second, "0": first, "-1": first, "abc": first, "": first,
    }  # fmt: skip


def test_no_row_is_on_two_pages(cast: Cast, client_for: Any) -> None:
    leads = LeadFactory.create_batch(60, estimated_value=5)
    client, asked = client_for(cast.rep), {"sort": "estimated_value"}
    seen = [
        pk
        for page in (1, 2)
        for pk in listed(client.get(url("lead", "list"), {**asked, "page": page}))
    ]
    assert sorted(seen) == sorted(lead.pk for lead in leads)


def test_an_empty_list_says_what_would_be_here(cast: Cast, client_for: Any) -> None:
    text = words(client_for(cast.rep).get(url("lead", "list")))
    assert "No leads yet" in text or "No leads here yet" in text
    assert "New lead" in text


@pytest.mark.parametrize("kind", list(RecordKind))
def test_a_list_as_it_opens_is_not_narrowed(kind: RecordKind, cast: Cast, client_for: Any) -> None:
    answer = client_for(cast.rep).get(url(kind, "list"))
    in_force = aisha_ui.in_force(answer.context["filters"])
    assert (answer.context["is_narrowed"], in_force.is_chosen) == (False, False)


@pytest.mark.parametrize(
    ("asked", "count", "is_chosen"),
    [
        ({}, 1, False),
        ({"q": "ada"}, 0, False),
        ({"q": "ada", "status": "open"}, 1, False),
        ({"status": "new"}, 1, True),
        ({"status": "open", "silent": "30"}, 2, True),
        ({"status": "", "owner": ""}, 0, False),
        ({"account": "7"}, 0, False),
    ],
)
def test_filters_in_force_are_told_from_search_and_the_lists_own_view(
    asked: dict[str, str], count: int, is_chosen: bool, cast: Cast, client_for: Any
) -> None:
    kind = "opportunity" if "account" in asked else "lead"
    answer = client_for(cast.rep).get(url(kind, "list"), asked)
    wanted = aisha_ui.FiltersInForce(count, is_chosen)
    assert aisha_ui.in_force(answer.context["filters"]) == wanted


def test_an_empty_list_under_filters_offers_to_clear_them(cast: Cast, client_for: Any) -> None:
    LeadFactory()
    text = words(client_for(cast.rep).get(url("lead", "list"), {"q": "nobody is called this"}))
    assert "Nothing fits these filters" in text
    assert "Clear the filters" in text


def test_who_may_not_add_is_not_offered_to(cast: Cast, client_for: Any) -> None:
    address = url("product", "list")
    assert "New product" not in words(client_for(cast.rep).get(address))
    assert "New product" in words(client_for(cast.manager).get(address))


def test_owners_to_filter_by_are_those_whose_records_one_sees(cast: Cast, client_for: Any) -> None:
    def offered(user: User) -> set[str]:
        form = client_for(user).get(url("lead", "list")).context["filters"]
        return {value for value, _ in form.fields["owner"].choices if value}

    assert offered(cast.rep) == {"me", "nobody", str(cast.teammate.pk)}
    everybody = {
        str(pk) for pk in User.objects.exclude(pk=cast.manager.pk).values_list("pk", flat=True)
    }
    assert offered(cast.manager) == {"me", "nobody"} | everybody


def test_tasks_name_what_they_are_about_and_what_is_overdue(
    today: date, cast: Cast, client_for: Any
) -> None:
    deal = OpportunityFactory(name="Isdom GTX Pro")
    TaskFactory(title="Call back", opportunity=deal, due_on=today - timedelta(days=2))
    text = words(client_for(cast.rep).get(url("task", "list")))
    assert "Call back Isdom GTX Pro Overdue 2 days ago" in text


def test_half_typed_names_find_only_what_one_may_see(cast: Cast, client_for: Any) -> None:
    mine = ContactFactory(first_name="Ada", last_name="King", owner=cast.rep)
    ContactFactory(first_name="Ada", last_name="Moss", owner=cast.outsider)
    client, address = client_for(cast.rep), url("contact", "options")
    answer = client.get(address, {"field": "contact", "contact": "ada"})
    assert answer.content.decode().strip() == f'<option value="Ada King (#{mine.pk})"></option>'
    assert client.get(address, {"field": "contact", "contact": "a"}).content.decode().strip() == ""
    assert client.get(address).content.decode().strip() == ""
