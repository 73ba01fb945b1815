"""Signals: fired once, refreshed when the facts change, cleared when they no longer hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connection

from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.detection import Detection, clear_all, detect
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.questions import Question, question_of
from apps.triggers.rules import registry
from apps.triggers.tests.asking import BERLIN, NOW, ago

LATER = NOW + timedelta(hours=1)


def quiet_lead() -> Lead:
    lead: Lead = LeadFactory(created_at=ago(days=30))
    return lead


def look(now: Any = NOW, *, candidates: list[int] | None = None, **parameters: int) -> Detection:
    trigger = registry.get("lead_inactive")
    moment = ScanMoment(now=now, zone=BERLIN)
    return detect(trigger, moment, trigger.parse(parameters), candidates=candidates)


def row_versions() -> list[tuple[int, int]]:
    """The id of every signal row with the transaction and command that wrote its present version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM triggers_signal ORDER BY id")
        return list(cursor.fetchall())


def test_a_match_fires_one_signal_with_its_facts(acme: Tenant) -> None:
    lead = quiet_lead()
    assert look() == Detection(matched=1, fired=1, refreshed=0, cleared=0)
    signal = Signal.objects.get()
    assert (signal.trigger, signal.goal, signal.record_kind, signal.record_id) == (
        "lead_inactive", "revive_lead", "lead", lead.pk,
    )  # fmt: skip
    assert (signal.severity, signal.fired_at, signal.refreshed_at) == (2, NOW, NOW)
    assert signal.facts == {
        "last_activity_at": None, "created_at": ago(days=30).isoformat(), "revision": 1,
    }  # fmt: skip
    assert signal.parameters == {"silent_days": 14, "past_reviving_days": 120}
    assert signal.is_firing


def test_fault_11_a_second_look_fires_nothing_and_rewrites_no_row(acme: Tenant) -> None:
    for _ in range(3):
        quiet_lead()
    look()
    before = row_versions()
    assert look(LATER) == Detection(matched=3, fired=0, refreshed=0, cleared=0)
    assert row_versions() == before
    assert set(Signal.objects.values_list("refreshed_at", flat=True)) == {NOW}


def test_changed_facts_refresh_the_same_signal(acme: Tenant) -> None:
    lead, other = quiet_lead(), quiet_lead()
    look()
    before = dict(row_versions())
    Lead.objects.filter(pk=lead.pk).update(company="Lead Works II")
    assert look(LATER) == Detection(matched=2, fired=0, refreshed=1, cleared=0)
    after = dict(row_versions())
    signal = Signal.objects.get(record_id=lead.pk)
    assert (signal.fired_at, signal.refreshed_at, signal.facts["revision"]) == (NOW, LATER, 2)
    untouched = Signal.objects.get(record_id=other.pk)
    assert after[untouched.pk] == before[untouched.pk]


def test_what_no_longer_holds_is_cleared_and_can_fire_anew(acme: Tenant) -> None:
    lead = quiet_lead()
    look()
    task = TaskFactory(lead=lead)
    assert look(LATER) == Detection(matched=0, fired=0, refreshed=0, cleared=1)
    signal = Signal.objects.get()
    assert (signal.cleared_at, signal.is_firing) == (LATER, False)
    task.delete()
    again = LATER + timedelta(hours=1)
    assert look(again) == Detection(matched=1, fired=1, refreshed=0, cleared=0)
    assert [row.cleared_at for row in Signal.objects.order_by("id")] == [LATER, None]


def test_a_record_that_is_gone_clears(acme: Tenant) -> None:
    lead = quiet_lead()
    look()
    lead.delete()
    assert look(LATER) == Detection(matched=0, fired=0, refreshed=0, cleared=1)


def test_candidates_bound_what_is_looked_at_and_what_is_cleared(acme: Tenant) -> None:
    inside, outside = quiet_lead(), quiet_lead()
    assert look(candidates=[inside.pk]) == Detection(1, 1, 0, 0)
    assert look(candidates=[outside.pk]) == Detection(1, 1, 0, 0)
    for lead in (inside, outside):
        ActivityFactory(lead=lead, occurred_at=ago(days=1))
    assert look(LATER, candidates=[inside.pk]) == Detection(0, 0, 0, 1)
    assert [signal.record_id for signal in Signal.objects.firing()] == [outside.pk]


def test_no_candidates_touch_nothing(acme: Tenant) -> None:
    lead = quiet_lead()
    look()
    ActivityFactory(lead=lead, occurred_at=ago(days=1))
    assert look(LATER, candidates=[]) == Detection(0, 0, 0, 0)
    assert Signal.objects.firing().count() == 1


def test_one_trigger_leaves_the_signals_of_another_alone(acme: Tenant) -> None:
    quiet_lead()
    look()
    Signal.objects.update(trigger="another")
    assert look(LATER) == Detection(1, 1, 0, 0)
    assert Signal.objects.firing().count() == 2


def test_a_firing_signal_names_the_parameters_that_it_fires_by_now(acme: Tenant) -> None:
    quiet_lead()
    look(silent_days=20)
    before = Signal.objects.get()
    assert before.parameters == {"silent_days": 20, "past_reviving_days": 120}
    assert look(LATER, silent_days=21) == Detection(matched=1, fired=0, refreshed=1, cleared=0)
    after = Signal.objects.get()
    assert after.parameters == {"silent_days": 21, "past_reviving_days": 120}
    assert (after.pk, after.fired_at, after.refreshed_at) == (before.pk, NOW, LATER)
    assert after.facts == before.facts


def test_a_cleared_signal_keeps_the_facts_and_parameters_of_then(acme: Tenant) -> None:
    lead = quiet_lead()
    look(silent_days=20)
    seen = Signal.objects.get().facts
    assert look(LATER, silent_days=31).cleared == 1
    Lead.objects.filter(pk=lead.pk).update(company="Lead Works II")
    assert look(LATER, silent_days=21) == Detection(matched=1, fired=1, refreshed=0, cleared=0)
    former, present = Signal.objects.order_by("id")
    assert former.parameters == {"silent_days": 20, "past_reviving_days": 120}
    assert (former.facts, former.cleared_at) == (seen, LATER)
    assert present.parameters == {"silent_days": 21, "past_reviving_days": 120}
    assert present.facts == {**seen, "revision": 2}


def test_one_statement_whatever_the_number_of_records(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        quiet_lead()
    with django_assert_num_queries(1):
        look()


def test_asking_again_about_one_record(acme: Tenant) -> None:
    lead, other = quiet_lead(), LeadFactory(created_at=ago(days=1))
    trigger, moment = registry.get("lead_inactive"), ScanMoment(now=NOW, zone=BERLIN)
    question = Question.of(trigger, moment, trigger.parse({}))
    assert question.holds_for(lead.pk)
    assert not question.holds_for(other.pk)


def test_a_question_is_written_once_a_day_and_is_what_the_trigger_asks_at_each_moment(
    acme: Tenant,
) -> None:
    morning = ScanMoment(now=NOW.replace(hour=6), zone=BERLIN)
    moments = [
        morning,
        replace(morning, now=NOW.replace(hour=15, minute=7)),
        replace(morning, now=LATER),
    ]
    for trigger in registry.all():
        parameters = trigger.parse({})
        questions = [question_of(trigger, moment, parameters) for moment in moments]
        for question, moment in zip(questions, moments, strict=True):
            written = Question.of(trigger, moment, parameters)
            assert (trigger.key, question.is_like(written)) == (trigger.key, True)
        assert (trigger.key, questions[0].sql is questions[1].sql) == (trigger.key, True)


def test_switching_off_ends_every_signal(acme: Tenant) -> None:
    quiet_lead(), quiet_lead()
    look()
    moment = ScanMoment(now=LATER, zone=BERLIN)
    assert clear_all(registry.get("deal_stalled"), moment) == Detection(0, 0, 0, 0)
    assert clear_all(registry.get("lead_inactive"), moment) == Detection(0, 0, 0, 2)
    assert set(Signal.objects.values_list("cleared_at", flat=True)) == {LATER}


def test_fault_10_more_records_than_any_page_are_all_looked_at(acme: Tenant) -> None:
    LeadFactory.create_batch(60, created_at=ago(days=30))
    assert look() == Detection(matched=60, fired=60, refreshed=0, cleared=0)
    newest = quiet_lead()
    assert look(LATER) == Detection(matched=61, fired=1, refreshed=0, cleared=0)
    assert Signal.objects.filter(record_id=newest.pk).exists()
