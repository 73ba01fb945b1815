"""Training and scoring by button: progress, stopping, the list, and who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun
from apps.predictions.tests.model_cards import make_model
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.work.enums import WorkStatus
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
RUNS, START = "/predictions/runs/", "/predictions/runs/start/"
LEADS = {"kind": "training", "prediction": "lead_conversion"}
HTMX = {"HX-Request": "true"}


def make_run(**values: Any) -> PredictionRun:
    return PredictionRun.objects.create(
        **{
            "kind": RunKind.TRAINING,
            "prediction": Prediction.LEAD_CONVERSION,
            "status": WorkStatus.SUCCEEDED,
            "queued_at": timezone.now(),
            "message": "Boosting is in service.",
        }
        | values
    )


def test_a_manager_starts_a_training_and_it_is_on_record(
    cast: Cast,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_model()
    client = client_for(cast.manager)
    page = client.get("/predictions/lead_conversion/").content.decode()
    assert "Train now" in page
    assert "Score now" in page
    with django_capture_on_commit_callbacks() as callbacks:
        answer = client.post(START, LEADS)
    run = PredictionRun.objects.get()
    assert answer["Location"] == run.get_absolute_url()
    assert (run.kind, run.prediction, run.requested_by) == (
        "training", "lead_conversion", cast.manager,
    )  # fmt: skip
    assert len(callbacks) == 2  # the worker's message, and the line of the log
    entry = AuditEntry.objects.get(event=Event.PREDICTION_RUN_REQUESTED)
    assert entry.details == {"run_id": run.pk, "kind": "training", "prediction": "lead_conversion"}
    page = client.get("/predictions/lead_conversion/").content.decode()
    assert f'hx-get="{run.get_absolute_url()}"' in page
    again = client.post(START, LEADS)
    assert again.status_code == 409
    assert PredictionRun.objects.count() == 1


def test_a_forecast_has_no_prediction(cast: Cast, client_for: ClientFor) -> None:
    client_for(cast.manager).post(START, {"kind": "forecast", "prediction": "deal_close"})
    assert PredictionRun.objects.get().prediction == ""


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"kind": "training", "prediction": "contact_engagement"}, 422),
        ({"kind": "training"}, 422),
        ({"kind": "magic"}, 400),
        ({"kind": "scoring", "prediction": "weather"}, 400),
    ],
)
def test_a_run_that_there_is_not_is_refused(
    cast: Cast, client_for: ClientFor, form: dict[str, str], status: int
) -> None:
    assert client_for(cast.manager).post(START, form).status_code == status
    assert PredictionRun.objects.count() == 0


def test_nothing_is_started_while_predictions_are_off(
    cast: Cast, acme: Tenant, client_for: ClientFor
) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    client = client_for(cast.manager)
    assert "Train now" not in client.get("/predictions/lead_conversion/").content.decode()
    assert client.post(START, LEADS).status_code == 403
    assert PredictionRun.objects.count() == 0


def test_a_run_tells_how_far_it_is_and_is_stopped(cast: Cast, client_for: ClientFor) -> None:
    run = make_run(
        status=WorkStatus.RUNNING, heartbeat_at=timezone.now(), steps_done=3, steps_total=8
    )
    client = client_for(cast.manager)
    fragment = client.get(run.get_absolute_url(), headers=HTMX)
    assert fragment.templates[0].name == "predictions/_run.html"
    assert "3 of 8 steps" in fragment.content.decode()
    page = client.get(run.get_absolute_url()).content.decode()
    assert "Look again" in page
    answer = client.post(f"{run.get_absolute_url()}cancel/")
    assert answer["Location"] == run.get_absolute_url()
    run.refresh_from_db()
    assert run.is_cancel_requested
    assert AuditEntry.objects.filter(event=Event.PREDICTION_RUN_STOPPED).count() == 1
    assert "Stopping" in client.get(run.get_absolute_url()).content.decode()


def test_what_is_over_cannot_be_stopped(cast: Cast, client_for: ClientFor) -> None:
    run = make_run()
    client = client_for(cast.manager)
    assert client.post(f"{run.get_absolute_url()}cancel/").status_code == 409
    assert AuditEntry.objects.filter(event=Event.PREDICTION_RUN_STOPPED).count() == 0
    assert "Boosting is in service." in client.get(run.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "failed", "message": "It broke off (KeyError)."}, "It broke off (KeyError)."),
        ({"status": "lost", "message": ""}, "ended before it was done."),
        ({"status": "cancelled", "message": "It was stopped."}, "Stopped"),
    ],
)
def test_how_a_run_ended_is_said(
    cast: Cast, client_for: ClientFor, values: dict[str, str], words: str
) -> None:
    run = make_run(**values)
    assert words in client_for(cast.manager).get(run.get_absolute_url()).content.decode()


def test_the_list_is_filtered_and_exported(cast: Cast, client_for: ClientFor) -> None:
    training = make_run()
    scoring = make_run(kind=RunKind.SCORING, status=WorkStatus.FAILED, message="It broke off.")
    client = client_for(cast.manager)
    assert list(client.get(RUNS).context["page"]) == [scoring, training]
    assert list(client.get(f"{RUNS}?kind=training").context["page"]) == [training]
    assert list(client.get(f"{RUNS}?status=failed").context["page"]) == [scoring]
    assert "No run fits these filters" in (
        client.get(f"{RUNS}?prediction=deal_close").content.decode()
    )
    lines = b"".join(client.get(f"{RUNS}export.csv?kind=training")).decode("utf-8-sig").splitlines()
    assert lines[1].endswith(",Done,Boosting is in service.")
    assert len(lines) == 2


def test_a_rep_neither_sees_nor_starts_runs(cast: Cast, client_for: ClientFor) -> None:
    run, client = make_run(), client_for(cast.rep)
    for path in (RUNS, f"{RUNS}export.csv", run.get_absolute_url()):
        assert client.get(path).status_code == 403
    assert client.post(START, LEADS).status_code == 403
    assert client.post(f"{run.get_absolute_url()}cancel/").status_code == 403
    page = client.get("/predictions/lead_conversion/").content.decode()
    assert "Train now" not in page
    assert PredictionRun.objects.get() == run


def test_pages_cost_the_same_with_one_run_and_with_three(cast: Cast, client_for: ClientFor) -> None:
    client, counts = client_for(cast.manager), []
    for _ in range(3):
        run = make_run(requested_by=cast.admin)
        row = []
        for path in (RUNS, run.get_absolute_url(), "/predictions/lead_conversion/"):
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            row.append(len(queries))
        counts.append(row)
    assert counts == [counts[0]] * 3
