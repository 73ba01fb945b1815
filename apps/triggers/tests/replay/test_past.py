"""What a replay reads of the past, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import InternalError, connection, models

from apps.crm.changelog import record_models
from apps.crm.enums import ActivityKind, RecordKind
from apps.crm.models import Account, Activity, ChangeLog, Contact, Lead, Opportunity, Stage
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.writing import Scored, retire_scores, write_scores
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.replay.exceptions import ReplayReadingError
from apps.triggers.replay.past import Past
from apps.triggers.replay.tables import Reading, reading_in
from apps.triggers.tests.replay.histories import BEGIN, Company

Rows = dict[int, dict[str, Any]]

# What the change log does not track, and a replay therefore keeps, derives, or cannot know.
KEPT = {"id", "source", "external_id", "created_at"}
DERIVED = {"last_activity_at", "outcome", "stage_entered_at"}
OF_TODAY = {"revision", "updated_at"}


def reading_of_all(*kinds: type[Any]) -> Reading:
    """All columns of some kinds of record."""
    return reading_in(
        [str(kind._default_manager.order_by().query) for kind in kinds or record_models()]
    )


def as_of(
    moments: Iterable[datetime], ask: Callable[[], Any], *kinds: type[Any], until: datetime
) -> list[Any]:
    """What ``ask`` gives at each of the moments, in their order."""
    said = {}
    with Past(reading_of_all(*kinds), since=BEGIN - timedelta(days=1), until=until) as past:
        for moment in sorted(moments, reverse=True):
            past.go_back_to(moment)
            with past.standing():
                said[moment] = ask()
    return [said[moment] for moment in sorted(said)]


def rows_of(model: type[models.Model], *columns: str, **condition: Any) -> list[Any]:
    rows = model._default_manager.filter(**condition).order_by("pk")
    return list(rows.values_list(*columns, flat=len(columns) == 1))


def at(days: float) -> datetime:
    """So many days after the beginning."""
    return BEGIN + timedelta(days=days)


def test_what_is_not_tracked_is_known() -> None:
    untracked = {
        field.attname
        for model in record_models()
        for field in model._meta.concrete_fields
        if field.attname not in model.tracked_fields
    }
    assert untracked == KEPT | DERIVED | OF_TODAY


def test_of_several_changes_the_value_before_the_first_is_taken(company: Company) -> None:
    lead = LeadFactory(status="new", title="One", created_at=company.now)
    company.date_changes()
    for day, status in ((1, "working"), (2, "qualified"), (3, "unqualified")):
        company.now = at(day)
        Lead.objects.filter(pk=lead.pk).update(status=status, title=f"Day {day}")
        company.date_changes()
    said = as_of(
        [at(0.5), at(2.5), at(4)], lambda: rows_of(Lead, "status", "title"), Lead, until=at(4)
    )
    assert said == [[("new", "One")], [("qualified", "Day 2")], [("unqualified", "Day 3")]]


def test_a_deleted_record_comes_back_with_what_the_log_kept_of_it(company: Company) -> None:
    lead = LeadFactory(
        attributes={"size": 3},
        estimated_value="12.50",
        source="crm",
        external_id="7",
        created_at=company.now,
    )
    ActivityFactory(lead=lead, occurred_at=company.now)
    company.date_changes()
    company.now = at(2)
    lead_id = lead.pk
    lead.delete()
    company.date_changes()
    columns = (
        "pk", "attributes", "estimated_value", "source", "external_id", "created_at",
        "last_activity_at",
    )  # fmt: skip
    before, after = as_of([at(1), at(3)], lambda: rows_of(Lead, *columns), until=at(3))
    assert before == [(lead_id, {"size": 3}, Decimal("12.50"), "", "", at(0), at(0))]
    assert after == []


def test_what_came_and_went_within_a_step_was_never_there(company: Company) -> None:
    LeadFactory(created_at=company.now).delete()
    company.date_changes()
    assert as_of([at(-0.5), at(1)], lambda: rows_of(Lead, "pk"), until=at(1)) == [[], []]


def test_an_appointment_is_known_before_it_counts(company: Company) -> None:
    lead = LeadFactory(created_at=company.now)
    ActivityFactory(lead=lead, occurred_at=at(5), created_at=company.now)
    company.date_changes()

    def ask() -> Any:
        return rows_of(Activity, "occurred_at"), rows_of(Lead, "last_activity_at")

    said = as_of([at(-0.5), at(4), at(6)], ask, until=at(7))
    assert said == [([], []), ([at(5)], [None]), ([at(5)], [at(5)])]


def test_an_activity_logged_late_counts_from_then_on(company: Company) -> None:
    lead = LeadFactory(created_at=company.now)
    company.date_changes()
    company.now = at(5)
    ActivityFactory(lead=lead, occurred_at=at(2))
    ActivityFactory(lead=lead, occurred_at=at(4), activity_kind=ActivityKind.NOTE)
    company.date_changes()
    said = as_of([at(3), at(6)], lambda: rows_of(Lead, "last_activity_at"), until=at(6))
    assert said == [[None], [at(2)]]


def test_an_activity_that_was_moved_counts_where_it_hung_then(company: Company) -> None:
    here, there = LeadFactory(created_at=company.now), LeadFactory(created_at=company.now)
    activity = ActivityFactory(lead=here, occurred_at=company.now)
    company.date_changes()
    company.now = at(2)
    Activity.objects.filter(pk=activity.pk).update(lead=there)
    company.date_changes()
    said = as_of([at(1), at(3)], lambda: rows_of(Lead, "last_activity_at"), until=at(3))
    assert said == [[at(0), None], [None, at(0)]]


def test_an_account_knows_its_last_contact_by_way_of_contacts_and_deals(company: Company) -> None:
    first, second, third = AccountFactory.create_batch(3, created_at=company.now)
    contact = ContactFactory(account=first, created_at=company.now)
    deal = OpportunityFactory(account=second, created_at=company.now)
    company.date_changes()
    for day, about in (
        (1, {"contact": contact}),
        (2, {"opportunity": deal}),
        (3, {"account": third}),
    ):
        company.now = at(day)
        ActivityFactory(**about, occurred_at=company.now)
        company.date_changes()
    company.now = at(4)
    ActivityFactory(account=second, contact=contact, opportunity=deal, occurred_at=company.now)
    company.date_changes()
    moments = [at(day + 0.5) for day in range(5)]
    said = as_of(moments, lambda: rows_of(Account, "last_activity_at"), Account, until=at(5))
    assert said == [
        [None, None, None],
        [at(1), None, None],
        [at(1), at(2), None],
        [at(1), at(2), at(3)],
        [at(4), at(4), at(3)],
    ]


def test_a_contact_took_its_activities_along_to_another_account(company: Company) -> None:
    former, present = AccountFactory.create_batch(2, created_at=company.now)
    contact = ContactFactory(account=former, created_at=company.now)
    company.date_changes()
    company.now = at(1)
    ActivityFactory(contact=contact, occurred_at=company.now)
    company.date_changes()
    for day, account in ((2, present), (3, None)):
        company.now = at(day)
        Contact.objects.filter(pk=contact.pk).update(account=account)
        company.date_changes()
    moments = [at(day + 0.5) for day in range(4)]
    said = as_of(moments, lambda: rows_of(Account, "last_activity_at"), Account, until=at(5))
    assert said == [[None, None], [at(1), None], [None, at(1)], [None, None]]


def test_a_deal_was_in_its_stage_since_it_entered_it(company: Company) -> None:
    stages = list(Stage.objects.filter(key__in=["prospecting", "proposal", "lost"]))
    deal = OpportunityFactory(stage=stages[0], created_at=at(0), stage_entered_at=at(0))
    company.date_changes()
    for day, stage in ((2, stages[1]), (4, stages[2])):
        company.now = at(day)
        Opportunity.objects.filter(pk=deal.pk).update(stage=stage, stage_entered_at=at(day))
        company.date_changes()
    columns = ("stage_id", "outcome", "stage_entered_at")
    said = as_of(
        [at(1), at(3), at(5)], lambda: rows_of(Opportunity, *columns), Opportunity, until=at(5)
    )
    assert said == [
        [(stages[0].pk, "open", at(0))],
        [(stages[1].pk, "open", at(2))],
        [(stages[2].pk, "lost", at(4))],
    ]


def test_the_change_log_ends_at_the_moment(company: Company) -> None:
    contact = ContactFactory(created_at=company.now)
    company.date_changes()
    company.now = at(2)
    Contact.objects.filter(pk=contact.pk).update(title="CFO")
    company.date_changes()
    reading = reading_in([str(ChangeLog.objects.order_by().query)])
    with Past(reading, since=at(-1), until=at(3)) as past:
        counts = []
        for day in (3, 1, -0.5):
            past.go_back_to(at(day))
            with past.standing():
                counts.append(ChangeLog.objects.count())
    assert counts == [2, 1, 0]


def test_the_latest_score_is_that_of_then(company: Company) -> None:
    prediction, lead = Prediction.LEAD_CONVERSION, RecordKind.LEAD
    for day, ones, scores in ((1, [1, 2], [0.2, 0.5]), (3, [1], [0.9]), (8, [1, 2], [0.6, 0.4])):
        scored = Scored(ones, scores, asked=[1, 2])
        write_scores(prediction, lead, scored, version="1", now=at(day))
        if day == 3:
            retire_scores(prediction, now=at(6))
    reading = reading_in([str(Score.objects.order_by().query)])
    latest = []
    with Past(reading, since=at(-1), until=at(9)) as past:
        for day in (9, 7, 4, 2, 0):
            past.go_back_to(at(day))
            with past.standing():
                latest.append(rows_of(Score, "record_id", "score_0_1", is_latest=True))
    # The second was not scored any more from the third day on, and nothing was in service from the sixth.
    assert latest == [[(1, 0.6), (2, 0.4)], [], [(1, 0.9)], [(1, 0.2), (2, 0.5)], []]


def test_time_only_runs_backwards(company: Company) -> None:
    with Past(reading_of_all(Lead), since=at(0), until=at(5)) as past:
        past.go_back_to(at(3))
        for day in (4, -1):
            with pytest.raises(ValueError, match="does not lie between"):
                past.go_back_to(at(day))


def test_a_table_that_was_not_prepared_is_not_read(company: Company) -> None:
    with (
        Past(reading_of_all(Lead), since=at(0), until=at(5)) as past,
        past.standing(),
        pytest.raises(ReplayReadingError, match="not prepared: crm_contact"),
    ):
        Contact.objects.count()


def test_nothing_but_the_past_can_be_written_while_it_is_read(company: Company) -> None:
    LeadFactory(created_at=company.now)
    company.date_changes()
    stage = Stage.objects.first()
    assert stage is not None
    with Past(reading_of_all(Lead), since=at(-1), until=at(5)) as past:
        with pytest.raises(InternalError, match="read-only transaction"), past.standing():
            Stage.objects.filter(pk=stage.pk).update(label="Another")
        with past.standing():
            # The temporary table that bears the name of the real one.
            Lead.objects.update(status="converted")
        assert rows_of(Lead, "status") == ["working"]
    assert rows_of(Stage, "label", pk=stage.pk) == [stage.label]


def test_the_names_are_given_back_whatever_happens(company: Company) -> None:
    LeadFactory(created_at=company.now)
    company.date_changes()
    with Past(reading_of_all(Lead), since=at(-1), until=at(5)) as past:
        past.go_back_to(at(-0.5))
        with pytest.raises(ZeroDivisionError), past.standing():
            raise ZeroDivisionError
        assert Lead.objects.count() == 1
        with past.standing():
            assert Lead.objects.count() == 0
        assert Lead.objects.count() == 1
    assert temporary_names() == []


def test_a_replay_that_was_cut_off_leaves_nothing_to_the_next(company: Company) -> None:
    Past(reading_of_all(Lead), since=at(-1), until=at(5)).__enter__()
    assert "replay_crm_lead" in temporary_names()
    with Past(reading_of_all(Contact), since=at(-1), until=at(5)):
        assert "replay_crm_lead" not in temporary_names()
    assert temporary_names() == []


def temporary_names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
            " AND relkind IN ('r', 'v') ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def test_the_path_to_a_tenants_tables_leads_through_the_temporary_ones(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        (path,) = cursor.fetchone()
        assert "pg_temp" not in path
        cursor.execute("CREATE TEMPORARY TABLE crm_lead AS SELECT 1 AS id")
    assert Lead.everything.count() == 1
    assert tenant_connection().schema_name == "acme"
