"""“Try it on your export”: from a file to an answer, private, and gone after a while."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.predictions import trial_uploads
from apps.predictions.models import Trial
from apps.predictions.schemas import TrialQuestion
from apps.predictions.services.trials import (
    TRIAL_KEPT,
    UPLOAD_KEPT,
    remove_old_trials,
    request_trial,
    try_out,
)
from apps.predictions.trial_uploads import FOLDER, Upload, keep_upload, token_of
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.work.enums import WorkStatus
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]

TRIALS, ASK = "/predictions/trials/", "/predictions/trials/ask/"
NOW = timezone.now()
QUESTION = TrialQuestion(label="Stage", positive="Won")


def table(rows: int = 300) -> bytes:
    """Deals: of those with many meetings most are won; what they are worth tells nothing."""
    chance = random.Random(7)
    lines = ["Deal,Stage,Meetings,Amount,Close reason"]
    for number in range(rows):
        meetings = chance.randint(0, 9)
        won = chance.random() < 0.1 + 0.08 * meetings
        reason = "" if won else "price"
        stage = "Won" if won else "Lost"
        lines.append(f"D{number},{stage},{meetings},{chance.randint(1, 900)},{reason}")
    return "\n".join(lines).encode()


def uploaded(content: bytes | None = None, name: str = "deals.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, table() if content is None else content, "text/csv")


def make_trial(user: User, **values: Any) -> Trial:
    return Trial.objects.create(
        **{
            "file_name": "deals.csv",
            "question": QUESTION.model_dump(mode="json"),
            "status": WorkStatus.SUCCEEDED,
            "requested_by": user,
            "queued_at": NOW,
        }
        | values
    )


@pytest.fixture(autouse=True)
def no_file_is_left(acme: Tenant) -> Iterator[None]:
    """What a test has uploaded goes with it."""
    yield
    for name in stored():
        default_storage.delete(f"{FOLDER}/{name}")


def stored() -> list[str]:
    return default_storage.listdir(FOLDER)[1] if default_storage.exists(FOLDER) else []


def test_from_a_file_to_an_answer(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    answer = client.post(TRIALS, {"file": uploaded()})
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert [column.name for column in page.context["columns"]] == [
        "Deal", "Stage", "Meetings", "Amount", "Close reason",
    ]  # fmt: skip
    assert page.context["columns"][1].different == 2
    answer = client.post(
        answer["Location"], {"label": "Stage", "positive": "Won", "time": "", "drop": ["Deal"]}
    )
    trial = Trial.objects.get()
    assert answer["Location"] == trial.get_absolute_url()
    assert (trial.status, trial.file_name, trial.requested_by) == (
        "queued", "deals.csv", cast.manager,
    )  # fmt: skip
    entry = AuditEntry.objects.get(event=Event.TRIAL_REQUESTED)
    assert entry.details == {"trial_id": trial.pk}
    assert "Waiting for a worker" in client.get(trial.get_absolute_url()).content.decode()

    try_out(trial)

    trial.refresh_from_db()
    assert trial.status == WorkStatus.SUCCEEDED
    assert trial.result is not None
    assert trial.result["rows"] == 300
    assert trial.result["log_loss"] < trial.result["base_log_loss"]
    assert set(trial.result["refused"]) == {"Close reason"}
    page = client.get(trial.get_absolute_url())
    text = page.content.decode()
    assert page.context["headline"] in text
    assert "does better than the base rate" in page.context["headline"]
    assert "Close reason" in text
    assert "Ask something else of this file" in text


def test_where_nothing_tells_the_page_says_so(cast: Cast, client_for: ClientFor) -> None:
    chance = random.Random(5)
    rows = [f"{chance.choice(['Won', 'Lost'])},{chance.random()}" for _ in range(120)]
    upload = keep_upload(uploaded("\n".join(["Stage,Noise", *rows]).encode()))
    trial = request_trial(upload, QUESTION, cast.manager)
    try_out(trial)
    page = client_for(cast.manager).get(trial.get_absolute_url()).content.decode()
    assert "Nothing beats the base rate: no score would be shown." in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Stage,Meetings\nWon,1\nWon,2\n", "there is nothing to tell apart"),
        (b"Stage,Meetings\nLost,1\nLost,2\n", "never holds"),
        (b"Stage,Meetings\nWon,1\nLost,2\n", "nothing can be judged"),
    ],
)
def test_a_table_of_which_nothing_can_be_learned_says_why(
    cast: Cast, client_for: ClientFor, content: bytes, words: str
) -> None:
    trial = request_trial(keep_upload(uploaded(content)), QUESTION, cast.manager)
    try_out(trial)
    trial.refresh_from_db()
    assert (trial.status, trial.result) == (WorkStatus.FAILED, None)
    assert words in trial.message
    assert words in client_for(cast.manager).get(trial.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\x00\x01\x02\x03", "The file was not taken"),
        (b"Stage,Meetings\n", "The file has no rows below its header."),
        (b"Stage,Meetings\nWon,1,2,3\n", "Row 2 has 4 cells"),
    ],
)
def test_a_file_that_is_no_table_is_not_kept(
    cast: Cast, client_for: ClientFor, content: bytes, words: str
) -> None:
    answer = client_for(cast.manager).post(TRIALS, {"file": uploaded(content)})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert stored() == []


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("MAX_ROWS", "The file has more than 10 rows."),
        ("MAX_COLUMNS", "The file has more than 3 columns."),
    ],
)
def test_too_much_is_refused(
    cast: Cast,
    client_for: ClientFor,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    words: str,
) -> None:
    monkeypatch.setattr(trial_uploads, limit, 10 if limit == "MAX_ROWS" else 3)
    answer = client_for(cast.manager).post(TRIALS, {"file": uploaded()})
    assert (answer.status_code, stored()) == (422, [])
    assert words in answer.content.decode()


def test_any_encoding_is_read(cast: Cast, client_for: ClientFor) -> None:
    content = "Größe;Stage\nklein;Won\ngroß;Lost\n".encode("utf-16")
    client = client_for(cast.manager)
    answer = client.post(TRIALS, {"file": uploaded(content)})
    page = client.get(answer["Location"])
    assert [column.name for column in page.context["columns"]] == ["Größe", "Stage"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"positive": "Won"}, "label"),
        ({"label": "Weather", "positive": "Won"}, "label"),
        ({"label": "Stage"}, "positive"),
        ({"label": "Stage", "positive": "Won", "time": "Stage"}, "time"),
        ({"label": "Stage", "positive": "Won", "drop": ["Stage"]}, "drop"),
    ],
)
def test_a_question_that_does_not_fit_is_asked_again(
    cast: Cast, client_for: ClientFor, form: dict[str, Any], field: str
) -> None:
    client = client_for(cast.manager)
    address = client.post(TRIALS, {"file": uploaded()})["Location"]
    answer = client.post(address, form)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Trial.objects.count() == 0


def test_an_upload_is_its_persons_and_of_this_company(
    cast: Cast, globex: Tenant, client_for: ClientFor
) -> None:
    upload = keep_upload(uploaded())
    with globex:
        foreign = token_of(upload, cast.manager)
    tokens = [
        token_of(upload, cast.admin), foreign, "nonsense",
        token_of(Upload("trials/none.csv", "x"), cast.manager),
    ]  # fmt: skip
    client = client_for(cast.manager)
    assert [client.get(f"{ASK}?upload={token}").status_code for token in tokens] == [410] * 4
    assert client.get(f"{ASK}?upload={token_of(upload, cast.manager)}").status_code == 200


def test_others_trials_are_seen_by_who_sees_all(cast: Cast) -> None:
    own, other = make_trial(cast.rep), make_trial(cast.manager)
    assert list(Trial.objects.asked_by(cast.rep)) == [own]
    assert list(Trial.objects.asked_by(cast.admin)) == [other, own]


def test_reps_try_nothing(cast: Cast, client_for: ClientFor) -> None:
    trial = make_trial(cast.manager)
    client = client_for(cast.rep)
    for method, path in (
        ("get", TRIALS), ("post", TRIALS), ("get", ASK), ("get", trial.get_absolute_url()),
        ("post", f"{trial.get_absolute_url()}cancel/"), ("post", f"{trial.get_absolute_url()}delete/"),
    ):  # fmt: skip
        assert getattr(client, method)(path).status_code == 403
    assert list(Trial.objects.all()) == [trial]


def test_a_trial_is_stopped_and_deleted_with_its_file(cast: Cast, client_for: ClientFor) -> None:
    trial = request_trial(keep_upload(uploaded()), QUESTION, cast.manager)
    client = client_for(cast.manager)
    assert client.post(f"{trial.get_absolute_url()}cancel/")["Location"] == trial.get_absolute_url()
    trial.refresh_from_db()
    assert trial.status == WorkStatus.CANCELLED
    assert client.post(f"{trial.get_absolute_url()}cancel/").status_code == 409
    assert len(stored()) == 1
    assert client.post(f"{trial.get_absolute_url()}delete/")["Location"] == TRIALS
    assert Trial.objects.count() == 0
    assert AuditEntry.objects.filter(event=Event.TRIAL_DELETED).count() == 1


def test_no_more_than_two_at_once(cast: Cast, client_for: ClientFor) -> None:
    for _ in range(2):
        make_trial(cast.admin, status=WorkStatus.QUEUED, queued_at=timezone.now())
    client = client_for(cast.manager)
    address = client.post(TRIALS, {"file": uploaded()})["Location"]
    assert client.post(address, {"label": "Stage", "positive": "Won"}).status_code == 409
    assert Trial.objects.count() == 2


def test_nothing_is_tried_while_predictions_are_off(
    cast: Cast, acme: Tenant, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    address = client.post(TRIALS, {"file": uploaded()})["Location"]
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    assert client.post(address, {"label": "Stage", "positive": "Won"}).status_code == 403
    assert Trial.objects.count() == 0


def test_uploads_go_after_a_day_and_answers_after_a_month(cast: Cast) -> None:
    upload = keep_upload(uploaded())
    waiting = make_trial(
        cast.manager, status=WorkStatus.QUEUED, stored_path=keep_upload(uploaded()).stored_path
    )
    make_trial(cast.manager, queued_at=NOW - TRIAL_KEPT - timedelta(days=1))
    recent = make_trial(cast.manager, stored_path=upload.stored_path)
    later = timezone.now() + UPLOAD_KEPT + timedelta(minutes=1)
    remove_old_trials(timezone.now())
    assert len(stored()) == 2
    remove_old_trials(later)
    assert [f"{FOLDER}/{name}" for name in stored()] == [waiting.stored_path]
    assert set(Trial.objects.all()) == {waiting, recent}


def test_trials_by_the_api(cast: Cast, api_for: ApiFor) -> None:
    trial = request_trial(keep_upload(uploaded()), QUESTION, cast.manager)
    client = api_for(cast.manager)
    address = f"/api/v1/predictions/trials/{trial.pk}/"
    told = client.get(address).json()
    assert told["question"] == {"label": "Stage", "positive": "Won", "time": None, "drop": []}
    assert (told["status"], told["result"]) == ("queued", None)
    try_out(trial)
    told = client.get(address).json()
    assert (told["status"], told["result"]["rows"]) == ("succeeded", 300)
    assert len(told["result"]["calibration"]) > 1
    refused = client.send("POST", f"{address}cancel/")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_state")
    assert api_for(cast.rep).get(address).status_code == 403


def test_lists_cost_the_same_with_one_trial_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for _ in range(3):
        make_trial(cast.admin)
        with CaptureQueriesContext(connection) as queries:
            client.get(TRIALS)
        counts.append(len(queries))
    assert counts == [counts[0]] * 3
