"""A replay from the question to the answer: what is counted, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from django.utils.formats import date_format

from apps.conftest import Cast, make_cast
from apps.crm.enums import ActivityKind
from apps.crm.models import Lead, Opportunity, Record, Stage, Task
from apps.crm.tests.factories import (
    ActivityFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.operations.tests.test_routes import fingerprint_of
from apps.tenants.work.enums import WorkStatus
from apps.triggers.models import Baseline, ReplayRun, TriggerSetting
from apps.triggers.moments import ScanMoment
from apps.triggers.replay.schemas import ReplayResult
from apps.triggers.replay.services import request_replay, run_replay
from apps.triggers.rules import registry
from apps.triggers.rules.leads import LeadInactive, LeadInactiveParameters
from apps.triggers.tests.replay.histories import Company
from apps.users.models import User

NOW = timezone.now()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def ask(user: User, key: str = "lead_inactive", *, days: int = 10, **parameters: int) -> ReplayRun:
    return request_replay(user=user, key=key, parameters=parameters, days=days, now=NOW)


def answer(run: ReplayRun) -> ReplayResult:
    run_replay(run_id=run.pk)
    run.refresh_from_db()
    assert run.message == ""
    assert run.status == WorkStatus.SUCCEEDED
    return ReplayResult.model_validate(run.result)


@pytest.fixture
def people(company: Company) -> Cast:
    """The people of the company."""
    return make_cast()


@pytest.fixture
def curious_rep(people: Cast) -> Iterator[User]:
    """Somebody who may replay triggers but does not see everything."""
    group = Group.objects.create(name="curious")
    group.permissions.set(Permission.objects.filter(codename__endswith="_replayrun"))
    people.rep.groups.add(group)
    yield people.rep
    # Groups outlive the rows of a test.
    group.delete()


def write(company: Company, days_ago: float, how: Callable[..., Any], **values: Any) -> Any:
    """Let something have been written so many days ago."""
    company.now = ago(days_ago)
    written = how(**values)
    company.date_changes()
    return written


def log(company: Company, days_ago: float, record: Record) -> None:
    """Let there have been an activity with a record so many days ago."""
    about = {record.kind.value: record}
    write(company, days_ago, ActivityFactory, **about, occurred_at=ago(days_ago))


def test_leads_are_counted_by_week_and_by_what_became_of_them(
    company: Company, people: Cast
) -> None:
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 5})
    still_open, lost, answered, gone = (
        write(company, 30, LeadFactory, created_at=ago(30)) for _ in range(4)
    )
    for lead, days in ((still_open, 20.5), (lost, 18.5), (answered, 17.5), (gone, 16.5)):
        log(company, days, lead)
    # Quiet for fourteen days since 6.5, 4.5, 3.5 and 2.5 days ago.
    log(company, 2.8, answered)
    write(company, 2, Lead.objects.filter(pk=lost.pk).update, status="unqualified")
    gone_id = gone.pk
    write(company, 1, gone.delete)
    told = answer(ask(people.manager))
    assert (told.asked.fired, told.asked.records) == (4, 4)
    assert (told.asked.true_at_start, told.asked.true_at_end) == (0, 1)
    assert told.asked.became == {"deleted": 1, "open": 2, "unqualified": 1}
    assert told.asked.parameters == {"silent_days": 14, "past_reviving_days": 120}
    assert [(row.record_id, row.fired, row.became) for row in told.sample] == [
        (gone_id, 1, "deleted"),
        (answered.pk, 1, "open"),
        (lost.pk, 1, "unqualified"),
        (still_open.pk, 1, "open"),
    ]
    assert [(told.until - row.last_fired_at).days for row in told.sample] == [2, 3, 4, 6]
    assert told.present is not None
    assert told.present.parameters["silent_days"] == 5
    assert (told.present.true_at_start, told.present.fired) == (4, 0)


def test_every_week_is_told_and_begins_on_its_monday(company: Company, people: Cast) -> None:
    for _ in range(2):
        log(company, 20.5, write(company, 30, LeadFactory, created_at=ago(30)))
    told = answer(ask(people.manager, days=30))
    fired_on = (told.until - timedelta(days=6)).date()
    monday = fired_on - timedelta(days=fired_on.weekday())
    assert {week.begins_on: week.fired for week in told.asked.weeks if week.fired} == {monday: 2}
    begins = [week.begins_on for week in told.asked.weeks]
    assert begins == [begins[0] + timedelta(weeks=n) for n in range(len(begins))]
    assert begins[0] <= (told.since + timedelta(days=1)).date() < begins[1]


def test_a_record_that_fires_twice_is_one_record(company: Company, people: Cast) -> None:
    lead = write(company, 30, LeadFactory, created_at=ago(30))
    log(company, 9.5, lead)
    log(company, 5.5, lead)
    told = answer(ask(people.manager, silent_days=2))
    # Two days after each of the calls; before the first it had been quiet all the while.
    assert (told.asked.fired, told.asked.records) == (2, 1)
    assert (told.asked.true_at_start, told.asked.true_at_end) == (1, 1)
    assert told.sample[0].fired == 2


def test_deals_are_told_as_won_and_lost(company: Company, people: Cast) -> None:
    stages = {stage.key: stage for stage in Stage.objects.all()}
    deals = [
        write(
            company,
            60,
            OpportunityFactory,
            stage=stages["proposal"],
            created_at=ago(60),
            stage_entered_at=ago(60),
        )
        for _ in range(4)
    ]
    for deal, days in zip(deals, (18.5, 17.5, 16.5, 1), strict=True):
        log(company, days, deal)
    for deal, key in ((deals[0], "lost"), (deals[1], "won")):
        close = Opportunity.objects.filter(pk=deal.pk).update
        write(company, 0.5, close, stage=stages[key], stage_entered_at=ago(0.5))
    told = answer(ask(people.manager, "deal_stalled"))
    assert told.asked.fired == 3
    assert told.asked.became == {"lost": 1, "open": 1, "won": 1}
    assert told.present is None


def test_other_kinds_are_only_counted(company: Company, people: Cast) -> None:
    deal = write(company, 60, OpportunityFactory, created_at=ago(60), stage_entered_at=ago(60))
    write(
        company,
        8.5,
        ActivityFactory,
        opportunity=deal,
        activity_kind=ActivityKind.MEETING,
        occurred_at=ago(8.5),
    )
    told = answer(ask(people.manager, "followup_missing"))
    assert (told.asked.fired, told.asked.became) == (1, {})


def test_tasks_are_told_as_done_and_open(company: Company, people: Cast) -> None:
    tasks = [
        write(company, 30, TaskFactory, due_on=ago(days).date(), created_at=ago(30))
        for days in (8, 7)
    ]
    write(company, 1, Task.objects.filter(pk=tasks[0].pk).update, status="done")
    told = answer(ask(people.manager, "task_overdue"))
    assert (told.asked.fired, told.asked.became) == (2, {"done": 1, "open": 1})


def test_only_what_the_person_may_see_is_counted(
    company: Company, people: Cast, curious_rep: User
) -> None:
    for owner in (people.rep, people.teammate, people.outsider, None):
        log(company, 20.5, write(company, 30, LeadFactory, owner=owner, created_at=ago(30)))
    run = ask(curious_rep)
    assert answer(run).asked.fired == 3
    assert answer(ask(people.manager)).asked.fired == 4
    runs = ReplayRun.objects.order_by("pk")
    assert list(runs.visible_to(people.rep)) == [run]
    assert list(runs.visible_to(people.teammate)) == []
    assert list(runs.visible_to(people.admin)) == list(runs)


def test_what_the_log_does_not_know_is_said(company: Company, people: Cast) -> None:
    for days in (4.0, 3.0):
        write(company, days, LeadFactory, source="old crm", created_at=ago(200))
    told = answer(ask(people.manager))
    day = date_format(ago(4).astimezone(UTC), "j F Y")
    other = date_format(ago(3).astimezone(UTC), "j F Y")
    assert [caveat.code for caveat in told.caveats] == [
        "history_begins", "imported_lead", "asked_daily",
    ]  # fmt: skip
    assert told.caveats[0].text == (
        f"History before {day} is not on file; days before it are empty."
    )
    assert told.caveats[1].text == (
        f"2 leads came in between {day} and {other} without their history; they count from then on."
    )


def test_a_company_without_a_past_gets_an_answer(company: Company, people: Cast) -> None:
    told = answer(ask(people.manager, days=365))
    assert (told.asked.fired, told.asked.records, told.sample) == (0, 0, ())
    assert told.asked.became == {}
    assert len(told.asked.weeks) in {53, 54}
    assert told.caveats[0].text == "No history of leads is on file."


def test_a_trigger_that_measures_goes_by_its_figures_of_then(
    company: Company, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured then, or where nothing was kept, what can be measured of the past."""
    log(company, 20.5, write(company, 30, LeadFactory, created_at=ago(30)))
    monkeypatch.setitem(registry._triggers, "lead_inactive", Measuring())
    Baseline.objects.create(
        trigger="lead_inactive", version="later", values={"days": 18}, measured_at=ago(3.2)
    )
    told = answer(ask(people.manager))
    # Measured of the past: fourteen days, once there were leads; true since 6.5 days ago. Then eighteen,
    # with which it has been true again since 2.5 days ago.
    assert [(told.until - row.last_fired_at).days for row in told.sample] == [2]
    assert told.sample[0].fired == 2


class Measuring(LeadInactive):
    """Goes by a number of days that it measures."""

    def measure(self, moment: ScanMoment) -> dict[str, Any]:
        return {"days": 14 if Lead.objects.exists() else 1}

    def matching(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> Any:
        days = moment.figures[self.key].values["days"]
        return super().matching(moment, parameters.model_copy(update={"silent_days": days}))


def test_nothing_real_is_written_and_no_other_company_is_touched(
    company: Company, people: Cast
) -> None:
    log(company, 20.5, write(company, 30, LeadFactory, created_at=ago(30)))
    runs = [ask(people.manager, key) for key in ("lead_inactive", "deal_stalled", "task_overdue")]
    before = {schema: fingerprint_of(schema) for schema in ("race", "acme", "globex", "public")}
    for run in runs:
        answer(run)
    after = {schema: fingerprint_of(schema) for schema in before}
    assert changed(before["race"], after["race"]) == {"triggers_replayrun"}
    del before["race"], after["race"]
    assert after == before


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {table for table in before if before[table] != after[table]}
