"""The page of one record: facts, related records, timeline and history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Opportunity
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    StageFactory,
    TaskFactory,
)
from apps.crm.tests.pages import OWNED_KINDS, make, url, words
from apps.crm.timeline import Cursor, Part, read_timeline
from apps.tenants.models import Tenant

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(RecordKind))
def test_every_kind_has_its_page(kind: RecordKind, cast: Cast, client_for: Any) -> None:
    record = make(kind, owner=cast.rep)
    answer = client_for(cast.rep).get(record.get_absolute_url())
    assert answer.status_code == 200
    assert str(record) in words(answer)


@pytest.mark.parametrize("kind", OWNED_KINDS)
def test_who_may_see_a_record_sees_its_page(kind: RecordKind, cast: Cast, client_for: Any) -> None:
    statuses = {}
    for owner in (cast.rep, cast.teammate, cast.outsider, None):
        page = make(kind, owner=owner).get_absolute_url()
        statuses[owner] = [
            client_for(viewer).get(page).status_code for viewer in (cast.rep, cast.manager)
        ]
    assert statuses == {
        cast.rep: [200, 200], cast.teammate: [200, 200], cast.outsider: [404, 200], None: [200, 200]
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(RecordKind))
def test_another_tenants_record_does_not_exist(
    kind: RecordKind, cast: Cast, globex: Tenant, client_for: Any
) -> None:
    with globex:
        foreign = make(kind)
    client = client_for(cast.admin)
    for page in ("detail", "edit"):
        assert client.get(url(kind, page, foreign.pk)).status_code == 404


def test_an_id_beyond_all_bounds_does_not_exist(cast: Cast, client_for: Any) -> None:
    assert client_for(cast.rep).get(url("lead", "detail", 10**30)).status_code == 404


QUERIES = {
    RecordKind.LEAD: 23, RecordKind.CONTACT: 26, RecordKind.ACCOUNT: 27, RecordKind.OPPORTUNITY: 22,
    RecordKind.ACTIVITY: 12, RecordKind.TASK: 12, RecordKind.CONTRACT: 12, RecordKind.PRODUCT: 13,
    RecordKind.DRAFT: 12,
}  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("kind", list(RecordKind))
def test_a_page_takes_as_many_queries_for_one_row_of_each_list_as_for_three(
    kind: RecordKind,
    rows: int,
    cast: Cast,
    client_for: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    record = make(kind, owner=cast.rep)
    if kind in {RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY}:
        for _ in range(rows):
            ActivityFactory(**{kind.value: record}, owner=cast.rep)
            TaskFactory(**{kind.value: record}, owner=cast.rep)
    if kind == RecordKind.ACCOUNT:
        for _ in range(rows):
            ContactFactory(account=record)
            ContractFactory(account=record)
            OpportunityFactory(account=record)
            AccountFactory(parent=record)
    for step in range(rows):
        owner = (cast.teammate, cast.rep)[step % 2]
        type(record)._default_manager.filter(pk=record.pk).update(owner=owner)
    client = client_for(cast.rep)
    with django_assert_num_queries(QUERIES[kind]):
        answer = client.get(record.get_absolute_url())
    assert answer.status_code == 200


def test_facts_are_in_words(cast: Cast, client_for: Any) -> None:
    deal = OpportunityFactory(
        name="Isdom GTX",
        account=AccountFactory(name="Isdom", owner=cast.rep),
        amount=Decimal("4514.50"),
        expected_close_on=date(2024, 3, 12),
        notes="Knows\nour people.",
        owner=cast.teammate,
    )
    text = words(client_for(cast.rep).get(deal.get_absolute_url()))
    for fact in (
        "Account Isdom",
        "Amount 4,514.50 $",
        "Expected close 12 Mar 2024",
        "Owner Tom Mate",
        "Lost reason –",
        "Notes Knows our people.",
    ):
        assert fact in text


def test_custom_fields_are_shown_by_their_type(cast: Cast, client_for: Any) -> None:
    values = {"seats": 1200, "pilot": "2024-12-24", "nda": False, "rival": "Globex", "old": "gone"}
    for key, label, field_type in (
        ("seats", "Seats", "number"), ("pilot", "Pilot starts", "date"), ("nda", "NDA", "boolean"),
        ("rival", "Rival", "choice"), ("blank", "Blank", "text"),
    ):  # fmt: skip
        CustomFieldFactory(key=key, label=label, field_type=field_type, choices=["Globex"])
    CustomFieldFactory(key="old", label="Forgotten", is_active=False)
    CustomFieldFactory(key="seats", label="Of accounts", record_kind="account")
    lead = LeadFactory(attributes=values)
    text = words(client_for(cast.rep).get(lead.get_absolute_url()))
    for fact in ("Seats 1,200", "Pilot starts 24 Dec 2024", "NDA No", "Rival Globex", "Blank –"):
        assert fact in text
    assert "Forgotten" not in text
    assert "Of accounts" not in text


def test_a_reference_is_a_link_only_for_who_may_follow_it(cast: Cast, client_for: Any) -> None:
    hidden = AccountFactory(name="Konex", owner=cast.outsider)
    deal = OpportunityFactory(account=hidden, owner=cast.rep)
    link = f'href="{hidden.get_absolute_url()}"'
    for viewer, is_link in ((cast.rep, False), (cast.manager, True)):
        page = client_for(viewer).get(deal.get_absolute_url()).content.decode()
        assert "Konex" in page
        assert (link in page) is is_link


@pytest.mark.parametrize(
    ("website", "link"),
    [
        ("isdom.example", 'href="https://isdom.example"'),
        ("http://isdom.example/x", 'href="http://isdom.example/x"'),
        ("javascript:alert(1)", None),
        ("data://text/html,x", None),
        ("https://", None),
    ],
)
def test_only_web_addresses_become_links(
    website: str, link: str | None, cast: Cast, client_for: Any
) -> None:
    account = AccountFactory(website=website)
    page = client_for(cast.rep).get(account.get_absolute_url()).content.decode()
    if link:
        assert link in page
    assert 'href="javascript:' not in page
    assert 'href="data:' not in page


def test_what_people_typed_is_text_and_never_markup(cast: Cast, client_for: Any) -> None:
    evil = "<script>alert(1)</script>"
    CustomFieldFactory(key="note", label=evil)
    lead = LeadFactory(first_name=evil, notes=evil, attributes={"note": evil})
    ActivityFactory(lead=lead, subject=evil, body=evil)
    TaskFactory(lead=lead, title=evil)
    page = client_for(cast.rep).get(lead.get_absolute_url()).content.decode()
    assert evil not in page
    assert page.count("&lt;script&gt;") >= 5


def test_related_lists_show_five_and_lead_to_the_rest(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(name="Isdom")
    OpportunityFactory.create_batch(6, account=account)
    ContactFactory.create_batch(5, account=account)
    OpportunityFactory(account=account, name="Hidden one", owner=cast.outsider)
    answer = client_for(cast.rep).get(account.get_absolute_url())
    shown = {
        part.related.title: (len(part.rows), part.more_url) for part in answer.context["related"]
    }
    assert shown == {
        "Deals": (5, f"?account={account.pk}"), "Contacts": (5, ""), "Contracts": (0, ""),
        "E-mail drafts": (0, ""),
        "Subsidiaries": (0, ""),
    }  # fmt: skip
    text = words(answer)
    assert "All deals of Isdom" in text
    assert "Hidden one" not in text


def test_open_tasks_stand_on_the_page_the_most_urgent_first(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory()
    later = TaskFactory(lead=lead, due_on=date(2026, 4, 1))
    first = TaskFactory(lead=lead, due_on=date(2026, 3, 1))
    TaskFactory(lead=lead, status="done")
    TaskFactory(lead=lead, owner=cast.outsider)
    answer = client_for(cast.rep).get(lead.get_absolute_url())
    assert [task.pk for task, _ in answer.context["open_tasks"]] == [first.pk, later.pk]


def test_the_history_is_in_words(cast: Cast, client_for: Any) -> None:
    CustomFieldFactory(record_kind="opportunity", key="seats", label="Seats", field_type="number")
    isdom, konex = AccountFactory(name="Isdom"), AccountFactory(name="Konex")
    deal = OpportunityFactory(
        account=isdom, owner=cast.rep, amount=550, expected_close_on=None, attributes={"seats": 40}
    )
    with acting(Actor.for_person(cast.manager)):
        Opportunity.objects.filter(pk=deal.pk).update(
            account=konex,
            owner=cast.teammate,
            stage=StageFactory(key="won"),
            amount=Decimal("4514.50"),
            expected_close_on=date(2026, 3, 12),
            notes="Signed.",
            attributes={"seats": 1200, "unknown": "x"},
        )
    text = words(client_for(cast.rep).get(deal.get_absolute_url(), {"part": "changes"}))
    for line in (
        f"{cast.manager.display_name} changed",
        "Account: Isdom → became Konex",
        "Owner: Rita Rep → became Tom Mate",
        "Stage: Engaging → became Won",
        "Amount: 550 $ → became 4,514.50 $",
        "Expected close: 12 Mar 2026",
        "Notes: Signed.",
        "Seats: 40 → became 1,200",
        "unknown: x",
    ):
        assert line in text


def test_choices_and_moments_of_the_history_are_in_words(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory(status="new")
    type(lead).objects.filter(pk=lead.pk).update(status="working", do_not_contact=True)
    text = words(client_for(cast.rep).get(lead.get_absolute_url()))
    assert "Status: New → became Working" in text
    assert "Do not contact: No → became Yes" in text


def test_a_reference_to_what_is_gone_shows_its_number(cast: Cast, client_for: Any) -> None:
    account, gone = AccountFactory.create_batch(2)
    number = gone.pk
    Account.objects.filter(pk=account.pk).update(parent=gone)
    gone.delete()
    text = words(client_for(cast.rep).get(account.get_absolute_url()))
    assert f"Parent account: #{number} (gone)" in text


def test_the_timeline_merges_what_happened_newest_first(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    ActivityFactory(lead=lead, subject="First call", occurred_at=MORNING)
    ActivityFactory(lead=lead, subject="Second call", occurred_at=MORNING + timedelta(days=2))
    TaskFactory(
        lead=lead, title="Sent offer", status="done", completed_at=MORNING + timedelta(days=1)
    )
    timeline = read_timeline(lead, cast.rep)
    titles = [item.title for item in timeline.items]
    assert titles == ["Unknown created this", "Second call", "Sent offer", "First call"]
    assert timeline.older is None


def test_the_timeline_shows_only_what_the_viewer_may_see(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep)
    ActivityFactory(lead=lead, subject="Ours", owner=cast.teammate)
    ActivityFactory(lead=lead, subject="Theirs", owner=cast.outsider)
    TaskFactory(lead=lead, title="Their task", owner=cast.outsider)
    seen = {
        viewer: {item.title for item in read_timeline(lead, viewer).items}
        for viewer in (cast.rep, cast.manager)
    }
    mark = "Unknown created this"
    assert seen == {
        cast.rep: {"Ours", mark},
        cast.manager: {"Ours", "Theirs", "Their task", mark},
    }


def test_an_accounts_timeline_holds_its_contacts_and_deals_once(cast: Cast) -> None:
    account = AccountFactory()
    contact, deal = ContactFactory(account=account), OpportunityFactory(account=account)
    ActivityFactory(account=account, subject="A", occurred_at=MORNING)
    ActivityFactory(contact=contact, subject="B", occurred_at=MORNING - timedelta(hours=1))
    ActivityFactory(
        account=account, contact=contact, opportunity=deal, subject="C",
        occurred_at=MORNING - timedelta(hours=2),
    )  # fmt: skip
    ActivityFactory(subject="Elsewhere", account=AccountFactory())
    TaskFactory(opportunity=deal, title="D")
    found = read_timeline(account, cast.rep, part=Part.ACTIVITIES)
    assert [item.title for item in found.items] == ["A", "B", "C"]
    assert [item.title for item in read_timeline(account, cast.rep, part=Part.TASKS).items] == ["D"]


def test_older_pages_show_each_item_once_even_at_the_same_moment(cast: Cast) -> None:
    lead = LeadFactory()
    for number in range(5):
        ActivityFactory(lead=lead, subject=f"call {number}", occurred_at=MORNING)
        TaskFactory(lead=lead, title=f"task {number}", status="done", completed_at=MORNING)
    seen: list[tuple[int, int]] = []
    cursor: Cursor | None = None
    for _ in range(10):
        page = read_timeline(lead, cast.rep, after=cursor, limit=3)
        seen += [(item.rank, item.row_id) for item in page.items]
        if page.older is None:
            break
        cursor = Cursor.parse(str(page.older))
        assert cursor == page.older
    assert len(seen) == 11
    assert len(set(seen)) == 11


@pytest.mark.parametrize("text", ["", "x", "1-9-1", "1-1", "9" * 40 + "-1-1", "1-1-1;drop"])
def test_a_cursor_that_is_not_ours_is_no_cursor(text: str) -> None:
    assert Cursor.parse(text) is None


def test_htmx_gets_the_timeline_alone(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory()
    ActivityFactory(lead=lead, subject="First call")
    answer = client_for(cast.rep).get(
        lead.get_absolute_url(), {"part": "activities"}, headers={"HX-Target": "timeline"}
    )
    page = answer.content.decode()
    assert "First call" in page
    assert "<html" not in page


@pytest.mark.parametrize("part", ["nonsense", "", "CHANGES"])
def test_an_unknown_part_shows_all(part: str, cast: Cast, client_for: Any) -> None:
    lead = LeadFactory()
    answer = client_for(cast.rep).get(lead.get_absolute_url(), {"part": part, "after": "nonsense"})
    assert answer.context["part"] == "all"


def test_products_and_tasks_have_a_history_but_nothing_to_log(cast: Cast, client_for: Any) -> None:
    for record in (ProductFactory(), TaskFactory()):
        text = words(client_for(cast.manager).get(record.get_absolute_url()))
        assert "History" in text
        assert "Log an activity" not in text


def test_a_role_for_one_kind_shows_nothing_of_the_others(cast: Cast, client_for: Any) -> None:
    account = AccountFactory(owner=cast.rep)
    OpportunityFactory(owner=cast.rep, account=account, name="Secret deal")
    ContactFactory(owner=cast.rep, account=account, last_name="Secretperson")
    ActivityFactory(owner=cast.rep, account=account, subject="Secret talk")
    TaskFactory(owner=cast.rep, account=account, title="Secret task")
    client = client_for(cast.rep)
    secrets = ("Secret deal", "Secretperson", "Secret talk", "Secret task")
    page = client.get(account.get_absolute_url()).content.decode()
    assert [secret in page for secret in secrets] == [True] * 4
    cast.rep.groups.clear()
    cast.rep.user_permissions.add(Permission.objects.get(codename="view_account"))
    page = client.get(account.get_absolute_url()).content.decode()
    assert [secret in page for secret in secrets] == [False] * 4
