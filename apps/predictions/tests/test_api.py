"""Predictions by the API: how they stand, models, scores with reasons, runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.models import PredictionRun
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.model_cards import make_model, make_scoring_model
from apps.predictions.tests.test_run_pages import make_run
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.work.enums import WorkStatus
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

API = "/api/v1/predictions/"
MODELS, SCORES, RUNS = f"{API}models/", f"{API}scores/", f"{API}runs/"


def results(client: ApiClient, path: str) -> list[Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    rows: list[Any] = answer.json()["results"]
    return rows


def test_how_predictions_stand(cast: Cast, api_for: ApiFor) -> None:
    model = make_model()
    run = make_run(status=WorkStatus.QUEUED)
    told = {row["prediction"]: row for row in api_for(cast.rep).get(API).json()}
    assert [row["state"] for row in told.values()] == [
        "serving", "untrained", "formula", "untrained",
    ]  # fmt: skip
    leads = told["lead_conversion"]
    assert (leads["record_kind"], leads["model"], leads["run"]) == ("lead", model.pk, run.pk)
    assert told["deal_close"]["model"] is None


def test_models_with_their_cards(cast: Cast, api_for: ApiFor) -> None:
    former, serving = make_model(state=ModelState.FORMER), make_model()
    make_model(Prediction.DEAL_CLOSE, ModelState.UNPROVEN)
    client = api_for(cast.rep)
    listed = results(client, f"{MODELS}?prediction=lead_conversion")
    assert [row["id"] for row in listed] == [serving.pk, former.pk]
    assert "card" not in listed[0]
    assert [row["id"] for row in results(client, f"{MODELS}?state=serving")] == [serving.pk]
    told = client.get(f"{MODELS}{serving.pk}/").json()
    assert told["version"] == f"lead_conversion-{serving.number}"
    assert told["card"]["measures"]["log_loss"] == 0.462
    assert told["card"]["calibration"][0]["count"] == 82
    assert told["drift"]["shifts"][1] == {
        "name": "source", "label": "Where it came from", "psi": 0.31,
    }  # fmt: skip
    assert "document" not in told


def test_a_manager_chooses_and_lets_go(cast: Cast, api_for: ApiFor) -> None:
    former, serving = make_model(state=ModelState.FORMER), make_model()
    assert api_for(cast.rep).send("POST", f"{MODELS}{former.pk}/choose/").status_code == 403
    client = api_for(cast.manager)
    told = client.send("POST", f"{MODELS}{former.pk}/choose/").json()
    assert (told["state"], told["is_pinned"], told["pinned_by"]) == (
        "serving", True, cast.manager.pk,
    )  # fmt: skip
    refused = client.send("POST", f"{MODELS}{former.pk}/choose/")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_state")
    told = client.send("POST", f"{MODELS}{former.pk}/let-go/").json()
    assert (told["id"], told["state"], told["is_pinned"]) == (serving.pk, "serving", False)


def test_scores_of_visible_records_now_and_before(cast: Cast, api_for: ApiFor) -> None:
    lead, hidden = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    before = ScoreFactory(record_id=lead.pk, score_0_1=0.2, is_latest=False)
    now = ScoreFactory(record_id=lead.pk, score_0_1=0.6)
    theirs = ScoreFactory(record_id=hidden.pk, score_0_1=0.9)
    client = api_for(cast.rep)

    def ids(query: str) -> list[int]:
        return [row["id"] for row in results(client, f"{SCORES}?{query}")]

    assert ids("") == [now.pk, before.pk]
    assert ids("is_latest=true") == [now.pk]
    assert ids("at_least=0.5") == [now.pk]
    assert ids(f"record_kind=lead&record_id={lead.pk}&is_latest=false") == [before.pk]
    assert ids(f"record_id={hidden.pk}") == []
    assert ids("prediction=deal_close") == []
    assert ids("ordering=score_0_1") == [before.pk, now.pk]
    assert client.get(f"{SCORES}{theirs.pk}/").status_code == 404
    assert client.get(f"{SCORES}{theirs.pk}/explanation/").status_code == 404
    assert client.get(f"{SCORES}?at_least=50").status_code == 400
    assert client.get(f"{SCORES}?record=5").status_code == 400
    assert client.get(f"{SCORES}{now.pk}/").json() == {
        "id": now.pk,
        "prediction": "lead_conversion",
        "record_kind": "lead",
        "record_id": lead.pk,
        "score_0_1": 0.6,
        "model_version": "tests",
        "scored_at": "2026-03-01T03:00:00Z",
        "is_latest": True,
    }


def test_with_the_module_off_no_score_is_told(acme: Tenant, cast: Cast, api_for: ApiFor) -> None:
    score = ScoreFactory(record_id=LeadFactory(owner=cast.rep).pk)
    ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS).update(is_on=False)
    client = api_for(cast.rep)
    for path in (SCORES, f"{SCORES}{score.pk}/", f"{SCORES}{score.pk}/explanation/"):
        refused = client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "module_off")


def test_pages_of_scores_lead_on(cast: Cast, api_for: ApiFor) -> None:
    pks = [ScoreFactory(record_id=LeadFactory().pk).pk for _ in range(3)]
    client = api_for(cast.manager)
    first = client.get(f"{SCORES}?page_size=2").json()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == pks[::-1]
    assert second["next"] is None


def test_why_a_record_scores_as_it_does(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, lead_source="fair")
    ActivityFactory(
        lead=lead, activity_kind="meeting", occurred_at=timezone.now() - timedelta(days=20)
    )
    score = ScoreFactory(record_id=lead.pk)
    client = api_for(cast.rep)
    refused = client.get(f"{SCORES}{score.pk}/explanation/")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_explain")
    make_scoring_model()
    told = client.get(f"{SCORES}{score.pk}/explanation/").json()
    assert round(told["score_0_1"], 4) == 0.2315
    origin, meetings = told["reasons"]
    assert (origin["factor"], round(origin["points"], 1)) == ("Where it came from", -21.9)
    assert meetings["values"] == [{"label": "Meetings in 30 days", "value": "1", "usual": "0"}]
    assert [remedy["words"] for remedy in told["remedies"]] == ["One meeting this week"]


def test_runs_are_started_read_and_stopped(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    answer = client.send("POST", RUNS, {"kind": "training", "prediction": "deal_close"})
    assert answer.status_code == 202
    told = answer.json()
    assert answer["Location"].endswith(f"{RUNS}{told['id']}/")
    assert (told["status"], told["requested_by"]) == ("queued", cast.manager.pk)
    again = client.send("POST", RUNS, {"kind": "training", "prediction": "deal_close"})
    assert (again.status_code, again.json()["code"]) == (409, "run_under_way")
    assert [row["id"] for row in results(client, f"{RUNS}?kind=training")] == [told["id"]]
    stopped = client.send("POST", f"{RUNS}{told['id']}/cancel/").json()
    assert stopped["status"] == "cancelled"
    over = client.send("POST", f"{RUNS}{told['id']}/cancel/")
    assert (over.status_code, over.json()["code"]) == (409, "run_state")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "training"}, 422, "prediction_missing"),
        ({"kind": "training", "prediction": "contact_engagement"}, 422, "nothing_to_train"),
        ({"kind": "magic"}, 400, "invalid"),
        ({"kind": "forecast", "when": "now"}, 400, "invalid"),
    ],
)
def test_runs_that_there_are_not(
    cast: Cast, api_for: ApiFor, body: Any, status: int, code: str
) -> None:
    refused = api_for(cast.manager).send("POST", RUNS, body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert PredictionRun.objects.count() == 0


def test_a_token_needs_the_scope(cast: Cast) -> None:
    model = make_model(state=ModelState.FORMER)
    _, key = ApiToken.issue(user=cast.manager, name="reads", expires_at=None, scopes=[Scope.READ])
    client = ApiClient("acme.localhost", key)
    assert client.get(MODELS).status_code == 200
    for path, scope in ((RUNS, "scans:start"), (f"{MODELS}{model.pk}/choose/", "settings:write")):
        refused = client.send("POST", path, {"kind": "forecast"}).json()
        assert (refused["code"], refused["scope"]) == ("scope_missing", scope)


def test_reps_read_models_and_scores_alone(
    cast: Cast, api_for: ApiFor, anonymous_client: TenantClient
) -> None:
    run = make_run()
    client = api_for(cast.rep)
    assert client.get(RUNS).status_code == 403
    assert client.get(f"{RUNS}{run.pk}/").status_code == 403
    assert client.send("POST", RUNS, {"kind": "forecast"}).status_code == 403
    for path in (API, MODELS, SCORES, RUNS):
        assert anonymous_client.get(path).status_code == 401


def test_lists_cost_the_same_with_one_row_and_with_three(cast: Cast, api_for: ApiFor) -> None:
    client, counts = api_for(cast.manager), []
    client.get(API)  # The token's first use is put down.
    for _ in range(3):
        make_model(state=ModelState.FORMER)
        make_run()
        ScoreFactory(record_id=LeadFactory().pk)
        row = []
        for path in (API, MODELS, SCORES, RUNS):
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            row.append(len(queries))
        counts.append(row)
    assert counts == [counts[0]] * 3
