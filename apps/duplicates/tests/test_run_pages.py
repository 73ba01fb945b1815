"""The pages of looks for duplicates."""

from __future__ import annotations

from typing import Any

from apps.conftest import Cast
from apps.crm.tests.pages import words
from apps.duplicates.enums import Subject
from apps.duplicates.models import MatchRun
from apps.duplicates.tests.factories import MatchRunFactory
from apps.tenants.work.enums import WorkStatus

RUNS = "/duplicates/runs/"


def test_a_manager_starts_a_look_sees_how_far_it_is_and_stops_it(
    cast: Cast, client_for: Any
) -> None:
    client = client_for(cast.manager)
    answer = client.post(f"{RUNS}start/", {"subject": "person"})
    run = MatchRun.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, run.get_absolute_url())
    assert (run.subject, run.status, run.requested_by) == (
        Subject.PERSON,
        WorkStatus.QUEUED,
        cast.manager,
    )
    assert "Waiting for a worker" in words(client.get(run.get_absolute_url()))
    MatchRun.objects.update(status=WorkStatus.RUNNING, steps_done=3, steps_total=9)
    assert "3 of 9 steps" in words(client.get(run.get_absolute_url()))
    assert "People are being looked through" in words(client.get("/duplicates/"))
    client.post(f"{run.get_absolute_url()}cancel/")
    run.refresh_from_db()
    assert run.is_cancel_requested


def test_a_second_look_is_refused_while_one_waits(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.manager)
    client.post(f"{RUNS}start/", {"subject": "person"})
    answer = client.post(f"{RUNS}start/", {"subject": "person"})
    assert answer.status_code == 409
    assert client.post(f"{RUNS}start/", {"subject": "company"}).status_code == 302
    assert client.post(f"{RUNS}start/", {"subject": "x"}).status_code == 400


def test_looks_are_listed_with_what_came_of_them(cast: Cast, client_for: Any) -> None:
    run = MatchRunFactory(pairs_found=4, pairs_gone=1)
    failed = MatchRunFactory(status=WorkStatus.FAILED, message="It broke off.")
    client = client_for(cast.manager)
    page = client.get(RUNS)
    assert [row.pk for row in page.context["page"]] == [failed.pk, run.pk]
    assert "12 records were compared." in words(page)
    assert [row.pk for row in client.get(f"{RUNS}?status=failed").context["page"]] == [failed.pk]
    assert "It broke off." in words(client.get(failed.get_absolute_url()))
    assert "No look fits these filters" in words(client.get(f"{RUNS}?status=lost"))
