"""Evidence is held against what its reader may see when it is read, not only when it was gathered."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Activity
from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.suggestions.evidence import HIDDEN_CLAIM, evidence_of
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

SECRET = "zq7secret"


@pytest.fixture
def suggestion(cast: Cast) -> Suggestion:
    """One whose evidence quotes what a teammate did."""
    mail = ActivityFactory(owner=cast.teammate, subject=SECRET)
    fact = {"label": "E-mail", "text": SECRET, "occurred_at": None, "record": f"activity:{mail.pk}"}
    found: Suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        facts=[{**fact, "number": 1}, {**fact, "number": 2, "text": "open", "record": None}],
        evidence=[
            {"text": f"Wrote {SECRET}", "facts": [1, 2]},
            {"text": "The lead is open", "facts": [2]},
        ],
    )
    return found


def test_what_was_given_to_another_team_since_is_left_out(
    cast: Cast, suggestion: Suggestion, api_for: Callable[[User], ApiClient]
) -> None:
    def is_told(person: User) -> bool:
        read = api_for(person).get(f"/api/v1/suggestions/{suggestion.pk}/").json()
        return SECRET in json.dumps(read["evidence"])

    assert is_told(cast.rep)
    Activity.objects.update(owner=cast.outsider)
    assert (is_told(cast.rep), is_told(cast.manager)) == (False, True)
    hidden, told = evidence_of(suggestion, cast.rep)
    assert (hidden.text, hidden.facts) == (HIDDEN_CLAIM, ())
    assert (told.text, [fact.number for fact in told.facts]) == ("The lead is open", [2])


def test_the_page_says_so_in_its_place(
    cast: Cast, suggestion: Suggestion, client_for: Callable[[User], TenantClient]
) -> None:
    page = f"/suggestions/{suggestion.pk}/"
    assert HIDDEN_CLAIM not in client_for(cast.rep).get(page).content.decode()
    Activity.objects.update(owner=cast.outsider)
    assert HIDDEN_CLAIM in client_for(cast.rep).get(page).content.decode()
    assert HIDDEN_CLAIM not in client_for(cast.manager).get(page).content.decode()


def test_a_record_that_is_gone_hides_nothing(cast: Cast, suggestion: Suggestion) -> None:
    before = evidence_of(suggestion, cast.rep)
    Activity.objects.all().delete()
    assert evidence_of(suggestion, cast.rep) == before
