"""Replays by the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.tenants.work.enums import WorkStatus
from apps.triggers.models import ReplayRun
from apps.triggers.replay.services import run_replay
from apps.triggers.tests.replay.test_pages import answered, curious
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

REPLAYS = "/api/v1/triggers/lead_inactive/replays/"


def send(client: ApiClient, payload: Any, path: str = REPLAYS) -> Any:
    return client.send("POST", path, payload)


def test_strangers_get_401_and_reps_403(
    cast: Cast, anonymous_client: TenantClient, api_for: ApiFor
) -> None:
    assert anonymous_client.get(REPLAYS).status_code == 401
    client = api_for(cast.rep)
    assert client.get(REPLAYS).status_code == 403
    assert send(client, {}).status_code == 403
    assert ReplayRun.objects.count() == 0


def test_asking_waiting_and_reading_the_answer(
    cast: Cast,
    api_for: ApiFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = api_for(cast.manager)
    with django_capture_on_commit_callbacks() as callbacks:
        answer = send(client, {"parameters": {"silent_days": 20}, "days": 5})
    assert (answer.status_code, len(callbacks)) == (202, 1)
    told = answer.json()
    assert answer["Location"].endswith(f"{REPLAYS}{told['id']}/")
    assert told["parameters"] == {"silent_days": 20, "past_reviving_days": 120}
    assert (told["status"], told["result"], told["steps_total"]) == ("queued", None, 6)
    run_replay(run_id=told["id"])
    told = client.get(answer["Location"]).json()
    assert (told["status"], told["steps_done"]) == ("succeeded", 6)
    assert told["result"]["asked"] == {
        "parameters": {"silent_days": 20, "past_reviving_days": 120},
        "fired": 0,
        "records": 0,
        "true_at_start": 0,
        "true_at_end": 0,
        "weeks": told["result"]["asked"]["weeks"],
        "became": {},
    }
    assert told["result"]["present"]["parameters"]["silent_days"] == 14
    assert told["result"]["until"].endswith("Z")
    assert [row["id"] for row in client.get(REPLAYS).json()["results"]] == [told["id"]]


def test_what_is_left_out_takes_its_default(cast: Cast, api_for: ApiFor) -> None:
    told = send(api_for(cast.manager), {}).json()
    assert (told["days"], told["parameters"]["silent_days"]) == (90, 14)


def test_questions_that_there_are_not_are_refused(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    refusals = [
        ({"parameters": {"silent_days": 0}}, 422, "invalid_parameters"),
        ({"parameters": {"silent_days": "20"}}, 422, "invalid_parameters"),
        ({"parameters": {"loud_days": 3}}, 422, "invalid_parameters"),
        ({"days": 0}, 422, "replay_days"),
        ({"days": 366}, 422, "replay_days"),
        ({"days": "many"}, 400, "invalid"),
        ({"parameters": [3]}, 400, "invalid"),
        ({"weeks": 3}, 400, "invalid"),
        ([], 400, "invalid"),
    ]
    for payload, status, code in refusals:
        answer = send(client, payload)
        assert (payload, answer.status_code, answer.json()["code"]) == (payload, status, code)
    unknown = send(client, {}, "/api/v1/triggers/no_such_trigger/replays/")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_trigger")
    assert client.get("/api/v1/triggers/no_such_trigger/replays/").status_code == 404
    assert ReplayRun.objects.count() == 0


def test_one_at_a_time(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    first = send(client, {"days": 5}).json()
    assert send(client, {"days": 5}).json()["id"] == first["id"]
    busy = send(client, {"days": 6})
    assert (busy.status_code, busy.json()["code"]) == (409, "replay_busy")
    cancelled = client.send("POST", f"{REPLAYS}{first['id']}/cancel/")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = client.send("POST", f"{REPLAYS}{first['id']}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "run_state")
    assert send(client, {"days": 6}).status_code == 202


def test_who_does_not_see_all_reads_only_their_own(cast: Cast, api_for: ApiFor) -> None:
    mine, theirs = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    everything = answered(cast.manager, sample=(theirs.pk,))
    own = answered(curious(cast.rep), counts_all=False, sample=(mine.pk, theirs.pk))
    client = api_for(cast.rep)
    assert [row["id"] for row in client.get(REPLAYS).json()["results"]] == [own.pk]
    assert client.get(f"{REPLAYS}{everything.pk}/").status_code == 404
    assert client.send("POST", f"{REPLAYS}{everything.pk}/cancel/").status_code == 404
    told = client.get(f"{REPLAYS}{own.pk}/").json()
    assert [row["record_id"] for row in told["result"]["sample"]] == [mine.pk]


def test_a_replay_of_another_trigger_is_not_found_here(cast: Cast, api_for: ApiFor) -> None:
    run = answered(cast.manager, trigger="task_overdue", status=WorkStatus.FAILED, result=None)
    assert api_for(cast.manager).get(f"{REPLAYS}{run.pk}/").status_code == 404
