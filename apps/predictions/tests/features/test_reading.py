"""Pages, roles and the number of queries of features."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.crm.models import Contract
from apps.crm.tests.factories import (
    ActivityFactory,
    ContractFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.features import feature_set, population, read_examples, read_rows
from apps.predictions.features.definitions import Factor
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role

LEARNED = [Prediction.LEAD_CONVERSION, Prediction.DEAL_CLOSE, Prediction.RENEWAL_RISK]


def test_pages_go_on_after_the_last_id(acme: Tenant) -> None:
    now = timezone.now()
    leads = [LeadFactory(created_at=now - timedelta(days=5)) for _ in range(5)]
    leads.insert(2, LeadFactory(status="converted", created_at=now - timedelta(days=5)))
    LeadFactory(created_at=now + timedelta(days=5))
    wanted = [lead.pk for lead in leads if lead.status != "converted"]
    for moment in (now, now - timedelta(days=1)):
        assert population(Prediction.LEAD_CONVERSION, moment) == wanted
        pages, after_id = [], 0
        while ids := read_rows(Prediction.LEAD_CONVERSION, moment, after_id=after_id, limit=2).ids:
            pages.append(ids)
            after_id = ids[-1]
        assert pages == [wanted[:2], wanted[2:4], wanted[4:]]
        some = read_rows(Prediction.LEAD_CONVERSION, moment, ids=[lead.pk for lead in leads[1:4]])
        assert some.ids == [leads[1].pk, leads[3].pk]
        assert read_rows(Prediction.LEAD_CONVERSION, moment, ids=[]).ids == []


# How many examples each of the records is by now.
EXAMPLES = {
    Prediction.LEAD_CONVERSION: 4,
    Prediction.DEAL_CLOSE: 4,
    Prediction.RENEWAL_RISK: 3,
}


def make_records() -> None:
    """One record that each prediction asks about now, and one that is an example of the past."""
    now = timezone.now()
    lead = LeadFactory(created_at=now - timedelta(days=200))
    deal = OpportunityFactory(created_at=now - timedelta(days=300))
    ActivityFactory(lead=lead, opportunity=deal)
    terms = {
        "created_at": now - timedelta(days=300),
        "renews_on": now.date() + timedelta(days=10),
    }
    ContractFactory(account=deal.account, **terms)
    ended = ContractFactory(**terms)
    Contract.objects.filter(pk=ended.pk).update(outcome="churned", outcome_on=now.date())


@pytest.mark.parametrize("prediction", LEARNED)
@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(
    acme: Tenant,
    django_assert_num_queries: DjangoAssertNumQueries,
    prediction: Prediction,
    count: int,
) -> None:
    kind = feature_set(prediction).record_kind
    for number in range(count):
        CustomFieldFactory(record_kind=kind, key=f"text_{number}", field_type="text")
        make_records()
    now = timezone.now()
    for moment in (now, now - timedelta(days=1)):
        # Custom fields, and the texts that they hold; the page itself goes past Django's counter.
        with django_assert_num_queries(2):
            read_rows(prediction, moment)
        features = feature_set(prediction)
        with django_assert_num_queries(0):
            read_rows(prediction, moment, features=features)
    assert len(read_rows(prediction, now).ids) == count
    with django_assert_num_queries(2 if prediction == Prediction.DEAL_CLOSE else 1):
        assert (
            len(next(read_examples(prediction, now, features)).ids) == EXAMPLES[prediction] * count
        )


@pytest.mark.parametrize("prediction", LEARNED)
def test_the_ais_role_may_read_them(acme: Tenant, prediction: Prediction) -> None:
    make_records()
    CustomFieldFactory(record_kind="account", field_type="text")
    now = timezone.now()
    with taking_role(Role.AI):
        assert len(read_rows(prediction, now).ids) == 1
        assert len(read_rows(prediction, now - timedelta(days=1)).ids) >= 1
        assert len(next(read_examples(prediction, now)).ids) == EXAMPLES[prediction]


@pytest.mark.parametrize("prediction", LEARNED)
def test_features_have_names_and_words_of_their_own(acme: Tenant, prediction: Prediction) -> None:
    features = feature_set(prediction).features
    assert len({feature.name for feature in features}) == len(features)
    assert len({feature.label for feature in features}) == len(features)
    assert {feature.factor for feature in features} <= set(Factor)
    of_outcomes = {"outcome", "closed_on", "lost_reason", "converted_contact_id"}
    assert not of_outcomes & {feature.name for feature in features}
