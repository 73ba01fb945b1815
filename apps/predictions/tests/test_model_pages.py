"""The model cards: each state in words, the numbers, and what a manager does there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast, TenantClient
from apps.predictions.enums import ModelState, Prediction, Rung, RunKind, ServiceState
from apps.predictions.models import PredictionRun, TrainedModel
from apps.predictions.tests.model_cards import make_model
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.work.enums import WorkStatus
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
LEADS = "/predictions/lead_conversion/"


def read(client: TenantClient, path: str) -> str:
    """The page with plain spaces."""
    text: str = client.get(path).content.decode().replace("\u00a0", " ")
    return text


def state_of(client: TenantClient, prediction: Prediction = Prediction.LEAD_CONVERSION) -> Any:
    services = {s.wording.prediction: s for s in client.get("/predictions/").context["services"]}
    service = services[prediction]
    return service.state, service.reason.replace("\u00a0", " ")


def test_each_prediction_stands_there_for_everybody(cast: Cast, client_for: ClientFor) -> None:
    make_model()
    page = read(client_for(cast.rep), "/predictions/")
    for title in ("Lead conversion", "Deal close", "Contact engagement", "Renewal risk"):
        assert title in page
    assert "2,060 leads, 24 % of which were converted" in page
    assert "Boosting" in page


def test_each_state_has_its_sentence(cast: Cast, acme: Tenant, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    assert state_of(client, Prediction.CONTACT_ENGAGEMENT)[0] == ServiceState.FORMULA
    assert state_of(client) == (
        ServiceState.UNTRAINED,
        "No score is shown yet: the nightly training has not looked at your leads.",
    )
    training = PredictionRun.objects.create(
        kind=RunKind.TRAINING,
        prediction=Prediction.LEAD_CONVERSION,
        status=WorkStatus.SUCCEEDED,
        message="12 of the 30 outcomes are known that the first step needs.",
    )
    assert state_of(client) == (
        ServiceState.UNTRAINED,
        "No score is shown. 12 of the 30 outcomes are known that the first step needs.",
    )
    training.delete()
    model = make_model(state=ModelState.UNPROVEN, rung=Rung.BASE_RATE)
    assert state_of(client) == (
        ServiceState.UNPROVEN,
        "Nothing beats the base rate: no score is shown. Of 2,060 leads 24 % were converted, "
        "and nothing that is known of one beforehand tells more than that.",
    )
    TrainedModel.objects.update(
        state=ModelState.WITHDRAWN, state_reason="On 64 newer outcomes it did worse."
    )
    assert state_of(client) == (
        ServiceState.WITHDRAWN,
        "No score is shown. On 64 newer outcomes it did worse.",
    )
    TrainedModel.objects.update(state=ModelState.SERVING, is_pinned=True, pinned_by=cast.manager)
    newer = make_model(state=ModelState.WAITING)
    assert state_of(client) == (
        ServiceState.PINNED,
        f"{cast.manager} has chosen model {model.number}; it stays until they or a colleague let go."
        f" Model {newer.number} is newer.",
    )
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    assert state_of(client) == (
        ServiceState.OFF,
        "Predictions are switched off for your company.",
    )


def test_the_card_tells_the_numbers_and_what_they_mean(cast: Cast, client_for: ClientFor) -> None:
    model = make_model()
    for path in (LEADS, model.get_absolute_url()):
        page = read(client_for(cast.rep), path)
        for words in (
            "0.462", "0.551", "0.761", "0.512", "0.149", "0.182",  # the last one is 0.24 × 0.76
            "Signed on", "Filled in for one outcome only", "Days since the last contact",
            "has moved far", "63 %", "2.6 times the average", "63 %</strong> of 41 were converted",
            "Foretold 61 %: 58 % of 82 were converted",
        ):  # fmt: skip
            assert words in page, words


def test_a_model_without_measures_is_shown_too(cast: Cast, client_for: ClientFor) -> None:
    model = make_model(state=ModelState.UNPROVEN, drift=None)
    bare: dict[str, Any] = {
        "measures": None,
        "calibration": [],
        "lift": [],
        "refused": [],
        "standings": [],
    }
    TrainedModel.objects.update(card=model.card | bare | {"data_from": None, "data_until": None})
    answer = client_for(cast.rep).get(LEADS)
    assert answer.status_code == 200
    assert "How right it was" not in answer.content.decode()


def test_a_training_that_failed_is_told(cast: Cast, client_for: ClientFor) -> None:
    PredictionRun.objects.create(
        kind=RunKind.TRAINING,
        prediction=Prediction.LEAD_CONVERSION,
        status=WorkStatus.FAILED,
        finished_at=datetime(2026, 3, 1, tzinfo=UTC),
        message="It broke off (MemoryError).",
    )
    page = read(client_for(cast.rep), LEADS)
    assert "It broke off (MemoryError). What was in service before still is." in page


def test_a_manager_chooses_a_model_and_lets_go(cast: Cast, client_for: ClientFor) -> None:
    former, present = make_model(state=ModelState.FORMER), make_model()
    client = client_for(cast.manager)
    address = former.get_absolute_url()
    assert "into service again" in client.get(address).content.decode()
    assert "into service again" not in client.get(present.get_absolute_url()).content.decode()
    answer = client.post(f"{address}choose/")
    scoring = PredictionRun.objects.get()
    assert (scoring.kind, scoring.status, scoring.requested_by) == (
        "scoring",
        "queued",
        cast.manager,
    )
    assert answer["Location"] == LEADS
    former.refresh_from_db()
    assert (former.state, former.pinned_by) == (ModelState.SERVING, cast.manager)
    assert f"Let go of model {former.number}" in client.get(LEADS).content.decode()
    assert client.post(f"{LEADS}let-go/")["Location"] == LEADS
    present.refresh_from_db()
    assert present.state == ModelState.SERVING
    assert client.post(f"{LEADS}let-go/").status_code == 409


def test_a_rep_reads_and_chooses_nothing(cast: Cast, client_for: ClientFor) -> None:
    former = make_model(state=ModelState.FORMER)
    client = client_for(cast.rep)
    assert "into service again" not in client.get(former.get_absolute_url()).content.decode()
    assert client.post(f"{former.get_absolute_url()}choose/").status_code == 403
    former.refresh_from_db()
    assert former.state == ModelState.FORMER


@pytest.mark.parametrize("path", ["/predictions/weather/", f"{LEADS}models/9999/"])
def test_what_is_not_there_is_not_found(cast: Cast, client_for: ClientFor, path: str) -> None:
    assert client_for(cast.rep).get(path).status_code == 404


def test_the_tables_are_exported(cast: Cast, client_for: ClientFor) -> None:
    model = make_model()
    client = client_for(cast.rep)
    services = b"".join(client.get("/predictions/export.csv")).decode("utf-8-sig").splitlines()
    assert services[1].startswith("Lead conversion,In service,")
    models = b"".join(client.get(f"{LEADS}models.csv")).decode("utf-8-sig").splitlines()
    assert models[1].startswith(f"{model.number},In service,Boosting,2060,0.24,0.462,0.551,0.761,")


def test_pages_cost_the_same_with_one_model_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    make_model()
    for _ in range(3):
        make_model(state=ModelState.FORMER)
        row = []
        for path in ("/predictions/", LEADS, f"{LEADS}models.csv"):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path)
                if answer.streaming:
                    b"".join(answer)
            row.append(len(queries))
        counts.append(row)
    assert counts == [counts[0]] * 3
