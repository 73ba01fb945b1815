"""From closed deals to the page of an open one: a model that was really trained explains its scores."""

from __future__ import annotations

from collections.abc import Callable

from apps.conftest import Cast, TenantClient
from apps.crm.models import Opportunity
from apps.predictions.enums import Prediction
from apps.predictions.services.scoring import score_all
from apps.predictions.services.training import train
from apps.predictions.tests.services.closed_deals import NOW, add_closed_deals, add_open_deals
from apps.tenants.work.runs import tell_nobody
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
DEALS = Prediction.DEAL_CLOSE


def test_a_trained_model_scores_and_explains(cast: Cast, client_for: ClientFor) -> None:
    add_closed_deals(120)
    large, small = add_open_deals()
    Opportunity.objects.update(owner=cast.rep)
    train(DEALS, now=NOW, tell=tell_nobody)
    score_all(DEALS, now=NOW, tell=tell_nobody)
    client = client_for(cast.rep)

    why = client.get(f"/deals/{large.pk}/score/").context["why"]
    (strongest, *_) = why.reasons
    assert (strongest.factor, strongest.points > 0) == ("The company's own fields", True)
    assert (strongest.values[0].label, strongest.values[0].value) == (
        "Size of the customer", "large",
    )  # fmt: skip
    why_small = client.get(f"/deals/{small.pk}/score/").context["why"]
    assert why_small.score_0_1 < why.score_0_1
    # Half of the deals were small ones: being one is as usual, and no reason.
    assert "The company's own fields" not in {reason.factor for reason in why_small.reasons}

    page = client.get(large.get_absolute_url()).content.decode()
    assert "calibrated on 120 outcomes" in page
    card = client.get("/predictions/deal_close/")
    assert card.context["service"].state == "serving"
    assert "Size of the customer" in card.content.decode()
