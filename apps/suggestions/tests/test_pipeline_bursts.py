"""Thousands of signals at once: grouped, capped for each goal and owner, the rest taken up bit by bit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.brain.enums import Goal
from apps.brain.models import BrainCall
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Lead, Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.models import NothingProposed, Suggestion
from apps.suggestions.pipeline.awaiting import awaiting_sql, find_awaiting
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import reject
from apps.suggestions.tests.cases import LONG_AGO, NOW, awaiting, quiet_lead, scan
from apps.tenants.models import Tenant
from apps.triggers.models import Signal, Silence
from apps.users.models import User

# What a person gets in a day, four days ahead.
MOST = 60


def import_leads(count: int, *owners: User) -> None:
    """Leads as an import brings them: in one statement, owners in turn, each worth a little more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO crm_lead (owner_id, first_name, last_name, company, title, email, phone, status,
                lead_source, estimated_value, currency, do_not_contact, notes, source, external_id,
                attributes, created_at)
            SELECT (%(owners)s::bigint[])[1 + n %% %(turns)s], 'Lead', n::text, '', '', '', '', 'working',
                '', n, 'USD', false, '', 'import', n::text, '{}', %(created_at)s
            FROM generate_series(1, %(count)s) n
            """,
            {
                "owners": [owner.pk for owner in owners],
                "turns": len(owners),
                "created_at": LONG_AGO,
                "count": count,
            },
        )


def signal(kind: RecordKind, record_id: int, goal: Goal, severity: int = 2) -> Signal:
    made: Signal = Signal.objects.create(
        trigger=f"by_hand_{kind}",
        goal=goal,
        record_kind=kind,
        record_id=record_id,
        severity=severity,
    )
    return made


def test_ten_thousand_imported_leads_make_four_days_of_suggestions_for_each_owner(
    cast: Cast,
) -> None:
    import_leads(10_000, cast.rep, cast.outsider)
    ledger = scan()
    assert ledger.error == ""
    assert ledger.suggestions_created == 2 * MOST
    assert ledger.signals_waiting == 10_000 - 2 * MOST
    assert ledger.held_back == 2 * (MOST - 15)
    assert Signal.objects.firing().count() == 10_000
    assert list(BrainCall.objects.values_list("tasks_count", "proposals_count")) == [(120, 120)]
    for owner in (cast.rep, cast.outsider):
        assert Suggestion.objects.filter(assignee=owner).count() == MOST
    # The most valuable of each, and one entry of the log for the trigger.
    assert set(Suggestion.objects.values_list("value_at_stake", flat=True)) == {
        Decimal(n) for n in range(10_000 - 2 * MOST + 1, 10_001)
    }
    fired = AuditEntry.objects.get(event="signal.fired")
    assert fired.details["count"] == 10_000
    assert AuditEntry.objects.filter(event="suggestion.created").count() == 2 * MOST


def test_a_second_scan_adds_nothing(cast: Cast) -> None:
    import_leads(500, cast.rep)
    scan()
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.suggestions_refreshed) == (0, 0)
    assert ledger.signals_waiting == 500 - MOST
    assert BrainCall.objects.count() == 1


def test_the_statements_do_not_grow_with_the_import(cast: Cast) -> None:
    scan()
    counts = []
    for size in (100, 3_000):
        Suggestion.objects.all().delete()
        Signal.objects.all().delete()
        Lead.objects.all().delete()
        import_leads(size, cast.rep)
        with CaptureQueriesContext(connection) as queries:
            assert scan().suggestions_created == MOST
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_fault_10_what_waits_is_taken_up_as_the_queue_drains(cast: Cast) -> None:
    import_leads(100, cast.rep)
    scan()
    for suggestion in Suggestion.objects.order_by("-rank")[:5]:
        reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW)
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.signals_waiting) == (5, 100 - MOST - 5)
    assert Suggestion.objects.filter(state=State.PENDING).count() == MOST


def test_the_upkeep_takes_it_up_between_scans(cast: Cast) -> None:
    import_leads(100, cast.rep)
    scan()
    gone = Suggestion.objects.order_by("-rank")[:5].values("record_id")
    Lead.objects.filter(pk__in=list(gone.values_list("record_id", flat=True))).delete()
    Suggestion.objects.exclude(record_id__in=Lead.objects.values("pk")).update(state="withdrawn")
    keep_true(NOW + timedelta(minutes=1))
    assert Suggestion.objects.filter(state=State.PENDING).count() == MOST


def test_the_number_follows_the_tenants_own(cast: Cast, acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(suggestions_per_day=2)
    import_leads(20, cast.rep)
    ledger = scan()
    assert (ledger.suggestions_created, ledger.signals_waiting) == (8, 12)


def test_each_goal_has_room_of_its_own(cast: Cast) -> None:
    import_leads(100, cast.rep)
    TaskFactory(owner=cast.rep, due_on=LONG_AGO.date())
    scan()
    assert Suggestion.objects.filter(goal="clear_task").count() == 1


def test_the_most_pressing_go_before_the_most_valuable(cast: Cast) -> None:
    import_leads(3, cast.rep)
    leads = list(Lead.objects.order_by("estimated_value"))
    for lead, severity in zip(leads, (3, 2, 2), strict=True):
        signal(RecordKind.LEAD, lead.pk, Goal.REVIVE_LEAD, severity)
    taken = awaiting(most=2)
    assert [one.record.id for one in taken] == [leads[0].pk, leads[2].pk]
    assert find_awaiting(NOW, most=2).signals_waiting == 1


def test_waiting_suggestions_are_refreshed_however_full_it_is(cast: Cast) -> None:
    import_leads(100, cast.rep)
    scan()
    Lead.objects.update(company="After")
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.suggestions_refreshed) == (0, MOST)


def test_silenced_and_snoozed_ones_take_no_room(cast: Cast) -> None:
    import_leads(70, cast.rep)
    best = Lead.objects.order_by("-estimated_value")[:10]
    Silence.objects.bulk_create(
        Silence(record_kind="lead", record_id=lead.pk, until=NOW + timedelta(days=9))
        for lead in best
    )
    ledger = scan()
    assert (ledger.suggestions_created, ledger.signals_waiting) == (60, 0)


def test_owner_and_value_are_those_of_the_suggestion(cast: Cast) -> None:
    """For each kind of record: what the query goes by is what context and ranking say afterwards."""
    account = AccountFactory(owner=cast.rep)
    deal = OpportunityFactory(owner=cast.rep, account=account, amount=700)
    contact = ContactFactory(owner=cast.rep, account=account)
    lead = quiet_lead(cast.rep, estimated_value=90)
    message = {"owner": cast.teammate, "occurred_at": LONG_AGO, "activity_kind": "meeting"}
    cases: list[tuple[Record, Goal, int | None]] = [
        (lead, Goal.REVIVE_LEAD, 90),
        (deal, Goal.MOVE_DEAL, 700),
        (account, Goal.KEEP_ACCOUNT, 700),
        (contact, Goal.REACH_CONTACT, 700),
        (TaskFactory(owner=cast.rep, opportunity=deal), Goal.CLEAR_TASK, 700),
        (TaskFactory(owner=cast.rep, lead=lead), Goal.CLEAR_TASK, 90),
        (TaskFactory(owner=cast.rep), Goal.CLEAR_TASK, None),
        (ActivityFactory(**message, opportunity=deal, lead=lead), Goal.PLAN_NEXT_STEP, 700),
        (ActivityFactory(**message, lead=lead), Goal.PLAN_NEXT_STEP, 90),
        (ActivityFactory(**message, contact=contact), Goal.PLAN_NEXT_STEP, None),
        (ActivityFactory(**message, account=account), Goal.ANSWER_MESSAGE, None),
        (ActivityFactory(**{**message, "owner": cast.rep}), Goal.IDENTIFY_SENDER, None),
    ]
    for record, goal, _ in cases:
        signal(record.kind, record.pk, goal)
    sql, params = awaiting_sql(NOW, most=MOST)
    head, _, _ = sql.partition("parted AS MATERIALIZED (")
    look = "SELECT record_kind, record_id, owner_id, value FROM placed"
    with connection.cursor() as cursor:
        cursor.execute(f"{head.rstrip().rstrip(',')} {look}", params)
        found = {(kind, pk): (owner, value) for kind, pk, owner, value in cursor.fetchall()}
    assert found == {
        (record.kind.value, record.pk): (cast.rep.pk, value) for record, _, value in cases
    }


def test_what_nothing_comes_of_does_not_keep_others_waiting(cast: Cast) -> None:
    """Talks that another team held cannot be told: they are tried once and then stand behind."""
    for number in range(4):
        ActivityFactory(
            owner=cast.outsider,
            activity_kind="meeting",
            opportunity=OpportunityFactory(owner=cast.rep, amount=1000 + number),
            occurred_at=NOW - timedelta(days=6),
        )
    own = ActivityFactory(
        owner=cast.rep,
        activity_kind="meeting",
        opportunity=OpportunityFactory(owner=cast.rep, amount=1),
        occurred_at=NOW - timedelta(days=6),
    )
    Tenant.objects.filter(schema_name="acme").update(suggestions_per_day=1)
    assert scan().suggestions_created == 0
    assert scan(timedelta(minutes=1)).suggestions_created == 1
    assert [row.record_id for row in Suggestion.objects.all()] == [own.pk]
    assert NothingProposed.objects.filter(question="").count() == 4
    assert scan(timedelta(minutes=2)).signals_waiting == 0


@pytest.mark.parametrize("day", [0, 1])
def test_of_what_nothing_came_of_each_has_its_day(cast: Cast, day: int) -> None:
    import_leads(50, cast.rep)
    for lead in Lead.objects.all():
        signal(RecordKind.LEAD, lead.pk, Goal.REVIVE_LEAD)
        NothingProposed.objects.create(
            record_kind="lead",
            record_id=lead.pk,
            goal="revive_lead",
            question="",
            asked_at=NOW + timedelta(days=3),
        )
    today, next_day = (
        {one.record.id for one in find_awaiting(NOW + timedelta(days=n), most=5).awaiting}
        for n in (day, day + 1)
    )
    assert len(today) == len(next_day) == 5
    assert today != next_day
    assert find_awaiting(NOW, most=5).signals_waiting == 0


def test_records_of_nobody_have_room_of_their_own(cast: Cast) -> None:
    import_leads(100, cast.rep)
    Lead.objects.filter(pk__in=list(Lead.objects.values_list("pk", flat=True)[:30])).update(
        owner=None
    )
    scan()
    assert Suggestion.objects.filter(assignee=None).count() == 30
    assert Suggestion.objects.filter(assignee=cast.rep).count() == MOST
    assert Account.objects.count() == 0
