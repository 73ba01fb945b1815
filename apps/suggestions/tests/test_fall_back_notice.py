"""What people are told while the rules write in the language model's place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.brain import providers
from apps.brain.enums import FallBack, Provider
from apps.brain.settings import change_settings
from apps.brain.tests.test_call_pages import make_call
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

NOTICE = "The built-in rules are writing: the language model did not answer, since"
LINK = "Settings of the Brain"


@pytest.fixture
def fallen_back(cast: Cast) -> None:
    change_settings(user=cast.admin, values={"provider": Provider.OPENAI})
    providers.note_fall_back(FallBack.CALL_FAILED, timezone.now() - timedelta(minutes=7))


@pytest.mark.parametrize("path", ["/", "/suggestions/"])
def test_the_first_page_and_the_queue_say_why_and_since_when(
    cast: Cast, client_for: ClientFor, fallen_back: None, path: str
) -> None:
    page = client_for(cast.rep).get(path).content.decode()
    assert (NOTICE in page, ">7 min ago</time>." in page, LINK in page) == (True, True, False)
    assert LINK in client_for(cast.admin).get(path).content.decode()


@pytest.mark.parametrize("path", ["/", "/suggestions/"])
def test_nothing_is_said_once_the_model_answers_or_the_rules_are_chosen(
    cast: Cast, client_for: ClientFor, fallen_back: None, path: str
) -> None:
    client = client_for(cast.rep)
    providers.note_answer(timezone.now())
    assert "The built-in rules are writing" not in client.get(path).content.decode()
    change_settings(user=cast.admin, values={"provider": Provider.RULES})
    # A batch that was under way comes back after the settings changed.
    providers.note_fall_back(FallBack.CALL_FAILED, timezone.now())
    assert "The built-in rules are writing" not in client.get(path).content.decode()


def test_a_card_says_when_the_rules_wrote_it_in_the_models_place(
    cast: Cast, client_for: ClientFor
) -> None:
    def written(**call: object) -> str:
        suggestion = SuggestionFactory(
            assignee=cast.rep,
            lead=LeadFactory(owner=cast.rep),
            brain_call=make_call(provider=Provider.RULES, model="", **call),
        )
        return client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()

    said = "Written by the built-in rules: the language model&#x27;s answer could not be used."
    assert said in written(fell_back_because=FallBack.UNUSABLE)
    assert "Written by the built-in rules" not in written()
