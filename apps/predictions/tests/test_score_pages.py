"""The list of present scores: of the records that one may see, the highest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast, TenantClient
from apps.crm.models import Record
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.predictions.enums import ModelState, Rung
from apps.predictions.models import TrainedModel
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.model_cards import make_model
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
SCORES = "/predictions/scores/"


def scored(owner: User, score_0_1: float, **values: Any) -> Record:
    lead: Record = LeadFactory(owner=owner)
    ScoreFactory(record_id=lead.pk, score_0_1=score_0_1, **values)
    return lead


def listed(client: TenantClient, query: str = "") -> list[tuple[int, str]]:
    rows = client.get(f"{SCORES}{query}").context["rows"]
    return [(row.record.pk, row.words.replace("\u00a0", " ")) for row in rows]


def test_the_highest_scores_of_visible_records_come_first(
    cast: Cast, client_for: ClientFor
) -> None:
    make_model()
    low, high = scored(cast.rep, 0.2), scored(cast.teammate, 0.8)
    hidden = scored(cast.outsider, 0.9)
    scored(cast.rep, 0.99, is_latest=False)
    assert listed(client_for(cast.rep)) == [(high.pk, "80 %"), (low.pk, "20 %")]
    assert [pk for pk, _ in listed(client_for(cast.manager))] == [hidden.pk, high.pk, low.pk]
    assert listed(client_for(cast.rep), "?at_least=50") == [(high.pk, "80 %")]


def test_another_prediction_is_chosen(cast: Cast, client_for: ClientFor) -> None:
    contact = ContactFactory(owner=cast.rep)
    ScoreFactory(
        prediction="contact_engagement",
        record_kind="contact",
        record_id=contact.pk,
        score_0_1=0.35,
    )
    client = client_for(cast.rep)
    assert listed(client, "?prediction=contact_engagement") == [(contact.pk, "35 of 100")]
    assert listed(client, "?prediction=weather") == []


def test_ids_of_other_kinds_are_no_way_to_a_score(cast: Cast, client_for: ClientFor) -> None:
    """A lead that the rep may not see, with the id of an account that they may see."""
    make_model()
    lead = LeadFactory(owner=cast.outsider)
    AccountFactory(pk=lead.pk, owner=cast.rep)
    ScoreFactory(record_id=lead.pk, score_0_1=0.7)
    assert listed(client_for(cast.rep)) == []


def test_without_a_model_in_service_the_page_says_why(cast: Cast, client_for: ClientFor) -> None:
    make_model(state=ModelState.UNPROVEN, rung=Rung.BASE_RATE)
    scored(cast.rep, 0.8)
    client = client_for(cast.rep)
    assert listed(client) == []
    assert "Nothing beats the base rate" in client.get(SCORES).content.decode()
    assert len(b"".join(client.get(f"{SCORES}export.csv")).splitlines()) == 1
    TrainedModel.objects.update(state=ModelState.SERVING)
    assert len(listed(client)) == 1


def test_the_scores_are_exported(cast: Cast, client_for: ClientFor) -> None:
    make_model()
    lead = scored(cast.rep, 0.8123456)
    scored(cast.outsider, 0.9)
    lines = (
        b"".join(client_for(cast.rep).get(f"{SCORES}export.csv")).decode("utf-8-sig").splitlines()
    )
    assert lines[0] == "Prediction,Record id,Record,Owner,Score (0 to 1),Since,Model"
    assert lines[1:] == [
        f"Lead conversion,{lead.pk},{lead},Rita Rep,0.8123,2026-03-01T04:00+01:00,tests"
    ]


def test_the_page_costs_the_same_with_one_score_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    make_model()
    client, counts = client_for(cast.rep), []
    for _ in range(3):
        scored(cast.rep, 0.5)
        with CaptureQueriesContext(connection) as queries:
            client.get(SCORES)
        counts.append(len(queries))
    assert counts == [counts[0]] * 3
