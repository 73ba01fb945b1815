"""The pages of replays: the question on the trigger's page, the progress, the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.tenants.work.enums import WorkStatus
from apps.triggers.models import ReplayRun
from apps.triggers.replay.schemas import Firings, ReplayResult, SampleRecord, Week
from apps.triggers.replay.services import request_replay, run_replay
from apps.triggers.replay.tasks import run_replay as task
from apps.triggers.rules import registry
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

TRIGGER = "/triggers/lead_inactive/"
REPLAYS = f"{TRIGGER}replays/"
NOW = timezone.now()
QUESTION = {"parameter_silent_days": "20", "parameter_past_reviving_days": "90", "days": "30"}
SILENT, PAST_REVIVING = (p.label for p in registry.get("lead_inactive").declared)
HTMX = {"HX-Request": "true"}


def ask(user: User, **parameters: int) -> ReplayRun:
    return request_replay(user=user, key="lead_inactive", parameters=parameters, days=5, now=NOW)


def firings(fired: int, records: int, **became: int) -> Firings:
    return Firings(
        parameters={"silent_days": 14, "past_reviving_days": 120},
        fired=fired,
        records=records,
        true_at_start=2,
        true_at_end=3,
        weeks=(Week(begins_on=NOW.date(), fired=fired),),
        became=became,
    )


def answered(
    user: User, *, present: Firings | None = None, sample: tuple[int, ...] = (), **values: Any
) -> ReplayRun:
    """A replay with an answer."""
    result = ReplayResult(
        since=NOW - timedelta(days=90),
        until=NOW,
        asked=firings(1037, 31, converted=4, unqualified=9, open=18),
        present=present,
        sample=tuple(
            SampleRecord(record_id=pk, fired=1, last_fired_at=NOW, became="open") for pk in sample
        ),
        caveats=(),
    )
    return ReplayRun.objects.create(
        **{
            "trigger": "lead_inactive",
            "days": 90,
            "status": WorkStatus.SUCCEEDED,
            "requested_by": user,
            "counts_all": True,
            "finished_at": NOW,
            "result": result.model_dump(mode="json"),
        }
        | values
    )


def curious(user: User) -> User:
    """Let a rep replay triggers, who does not see everything."""
    group = Group.objects.create(name="curious")
    group.permissions.set(Permission.objects.filter(codename__endswith="_replayrun"))
    user.groups.add(group)
    return user


def test_managers_find_the_question_on_the_triggers_page_and_reps_do_not(
    cast: Cast, client_for: ClientFor
) -> None:
    for person, is_there in ((cast.manager, True), (cast.admin, True), (cast.rep, False)):
        page = client_for(person).get(TRIGGER).content.decode()
        assert ("Try it on the past" in page) == is_there
    client = client_for(cast.rep)
    run = answered(cast.manager)
    for method, path in (
        ("get", REPLAYS), ("post", REPLAYS), ("get", run.get_absolute_url()),
        ("post", f"{run.get_absolute_url()}cancel/"),
    ):  # fmt: skip
        assert getattr(client, method)(path, QUESTION).status_code == 403
    assert list(ReplayRun.objects.all()) == [run]


def test_the_values_in_the_form_are_asked_about_saved_or_not(
    cast: Cast,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = client_for(cast.manager)
    with django_capture_on_commit_callbacks() as callbacks:
        answer = client.post(REPLAYS, QUESTION)
    run = ReplayRun.objects.get()
    assert answer["Location"] == run.get_absolute_url()
    assert (run.parameters, run.days) == ({"silent_days": 20, "past_reviving_days": 90}, 30)
    assert run.present_parameters == {"silent_days": 14, "past_reviving_days": 120}
    assert (run.counts_all, run.requested_by) == (True, cast.manager)
    assert len(callbacks) == 1


def test_the_whole_form_of_the_setting_may_come_along(cast: Cast, client_for: ClientFor) -> None:
    form = {**QUESTION, "is_enabled": "on", "revision": "3", "initial-is_enabled": "True"}
    answer = client_for(cast.manager).post(REPLAYS, form, headers=HTMX)
    assert answer.status_code == 200
    assert answer.templates[0].name == "triggers/_replay_run.html"
    assert "Waiting for a worker" in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"parameter_silent_days": "0"}, f"{SILENT}: A whole number from 1 to 365."),
        ({"parameter_silent_days": "many"}, f"{SILENT}: Enter a whole number."),
        ({"parameter_silent_days": "90"}, f"“{PAST_REVIVING}” must be greater than “{SILENT}”."),
        ({"days": "400"}, "Over the last: Ensure this value is less than or equal to 365."),
        ({"days": ""}, "Over the last: This field is required."),
    ],
)
def test_what_cannot_be_asked_is_said_where_the_answer_would_be(
    cast: Cast, client_for: ClientFor, typed: dict[str, str], problem: str
) -> None:
    client = client_for(cast.manager)
    fragment = client.post(REPLAYS, {**QUESTION, **typed}, headers=HTMX)
    assert fragment.status_code == 422
    assert fragment.templates[0].name == "triggers/_replay_refused.html"
    assert f"<li>{problem}</li>" in fragment.content.decode()
    page = client.post(REPLAYS, {**QUESTION, **typed})
    assert page.status_code == 422
    for name, value in typed.items():
        assert page.context["form"][name].value() == value
    assert ReplayRun.objects.count() == 0


def test_another_question_waits_its_turn(cast: Cast, client_for: ClientFor) -> None:
    ask(cast.admin)
    client = client_for(cast.manager)
    for headers in (HTMX, {}):
        refused = client.post(REPLAYS, QUESTION, headers=headers)
        assert refused.status_code == 409
        assert "Another replay of this trigger is under way." in refused.content.decode()


def test_a_replay_that_runs_asks_for_itself_again(cast: Cast, client_for: ClientFor) -> None:
    run = ask(cast.manager)
    ReplayRun.objects.update(status=WorkStatus.RUNNING, heartbeat_at=timezone.now(), steps_done=3)
    client = client_for(cast.manager)
    for path in (TRIGGER, run.get_absolute_url()):
        page = client.get(path).content.decode()
        assert f'hx-get="{run.get_absolute_url()}"' in page
        assert "3 of 6 days" in page
        assert "Look again" in page
    fragment = client.get(run.get_absolute_url(), headers=HTMX)
    assert fragment.templates[0].name == "triggers/_replay_run.html"


def test_the_answer_is_a_sentence_a_comparison_and_a_chart(
    cast: Cast, client_for: ClientFor
) -> None:
    run = answered(
        cast.manager,
        present=firings(1, 1, unqualified=1),
        parameters={"silent_days": 14, "past_reviving_days": 120},
        present_parameters={"silent_days": 30, "past_reviving_days": 120},
    )
    answer = client_for(cast.manager).get(run.get_absolute_url())
    shown = answer.context["replay"].answer
    assert shown.headline == (
        "It would have fired 1,037 times in the last 90 days, for 31 leads."
        " Today: 4 converted, 9 unqualified and 18 open."
    )
    assert shown.compared == "With the present values: once, for 1 lead."
    assert [(count.label, count.asked, count.present) for count in shown.counts] == [
        ("Fired", 1037, 1),
        ("Leads", 31, 1),
        ("of them converted", 4, 0),
        ("of them unqualified", 9, 1),
        ("of them open", 18, 0),
        ("True already at the start", 2, 2),
        ("True at the end", 3, 3),
    ]
    page = answer.content.decode()
    assert f"{SILENT}: <strong>14 days</strong> (at present 30 days)" in page
    assert "asked <time" in page


def test_that_nothing_would_have_fired_is_an_answer(cast: Cast, client_for: ClientFor) -> None:
    run = ask(cast.manager)
    run_replay(run_id=run.pk)
    shown = client_for(cast.manager).get(run.get_absolute_url()).context["replay"].answer
    assert shown.headline == "It would not have fired in the last 5 days."
    assert shown.compared == ""


@pytest.mark.parametrize(
    ("status", "failure", "words"),
    [
        (WorkStatus.FAILED, "It broke (ZeroDivisionError).", "It broke (ZeroDivisionError)."),
        (WorkStatus.LOST, "", "ended before it was done. Nothing was changed; ask again."),
        (WorkStatus.CANCELLED, "", "Stopped"),
    ],
)
def test_a_replay_without_an_answer_says_why_and_can_be_asked_again(
    cast: Cast, client_for: ClientFor, status: str, failure: str, words: str
) -> None:
    run = answered(cast.manager, status=status, message=failure, result=None)
    page = client_for(cast.manager).get(run.get_absolute_url()).content.decode()
    assert words in page
    assert "Ask again, with other values" in page


def test_a_run_older_than_a_parameter_is_still_shown(cast: Cast, client_for: ClientFor) -> None:
    run = answered(cast.manager, parameters={"silent_days": 9, "gone_days": 3})
    page = client_for(cast.manager).get(run.get_absolute_url())
    assert page.context["form"]["parameter_silent_days"].value() == 9
    assert page.context["form"]["parameter_past_reviving_days"].value() == 120


def test_cancelling_by_button(cast: Cast, client_for: ClientFor) -> None:
    run = ask(cast.manager)
    client = client_for(cast.admin)
    answer = client.post(f"{run.get_absolute_url()}cancel/")
    assert answer["Location"] == run.get_absolute_url()
    run.refresh_from_db()
    assert run.status == WorkStatus.CANCELLED
    assert client.post(f"{run.get_absolute_url()}cancel/").status_code == 409


def test_who_does_not_see_all_finds_only_their_own_replays(
    cast: Cast, client_for: ClientFor
) -> None:
    rep = curious(cast.rep)
    everything = answered(cast.manager)
    own = answered(rep, counts_all=False)
    client = client_for(rep)
    assert [run for run, _ in client.get(REPLAYS).context["runs"]] == [own]
    assert client.get(everything.get_absolute_url()).status_code == 404
    assert client.post(f"{everything.get_absolute_url()}cancel/").status_code == 404
    assert client.get(own.get_absolute_url()).status_code == 200
    assert "only records that they may see" in (
        client_for(cast.manager).get(own.get_absolute_url()).content.decode()
    )


def test_only_records_that_the_reader_may_see_are_named(cast: Cast, client_for: ClientFor) -> None:
    mine, theirs = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    rep = curious(cast.rep)
    run = answered(rep, counts_all=False, sample=(mine.pk, theirs.pk, theirs.pk + 1))

    def named(person: User) -> list[int]:
        shown = client_for(person).get(run.get_absolute_url()).context["replay"]
        return [row.record.pk for row in shown.answer.records]

    assert named(rep) == [mine.pk]
    assert named(cast.manager) == [mine.pk, theirs.pk]


def test_a_replay_of_another_trigger_is_not_found_here(cast: Cast, client_for: ClientFor) -> None:
    run = answered(cast.manager, trigger="task_overdue")
    client = client_for(cast.manager)
    assert client.get(f"{REPLAYS}{run.pk}/").status_code == 404
    assert client.get("/triggers/no_such_trigger/replays/").status_code == 404


def test_the_queue_that_cannot_be_reached_ends_the_replay(
    cast: Cast,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: Any) -> None:
        raise BrokerError("nobody there")

    monkeypatch.setattr(task, "delay", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        client_for(cast.manager).post(REPLAYS, QUESTION)
    run = ReplayRun.objects.get()
    assert (run.status, run.message) == (
        WorkStatus.FAILED,
        "The queue could not be reached. Ask again.",
    )


def test_pages_cost_the_same_with_one_replay_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    leads = [LeadFactory().pk for _ in range(3)]
    for number in (1, 2, 3):
        run = answered(cast.manager, sample=tuple(leads[:number]))
        row = []
        for path in (TRIGGER, REPLAYS, run.get_absolute_url()):
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            row.append(len(queries))
        counts.append(row)
    assert counts == [counts[0]] * 3
    assert counts[0] == [14, 9, 11]
