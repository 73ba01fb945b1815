"""What a card says, to whom."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from apps.conftest import Cast
from apps.execution.enums import Risk
from apps.suggestions.cards import Badge, cards_of
from apps.suggestions.enums import State
from apps.suggestions.templatetags.suggestion_cards import draw_card, forget_cards
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User


def test_a_card_says_everything_in_words(cast: Cast) -> None:
    suggestion = SuggestionFactory(
        assignee=cast.teammate,
        title="Call <b>Kim</b>",
        record_label="Kim & Park",
        value_at_stake=Decimal("4514.50"),
        currency="EUR",
        confidence=0.724,
        confidence_n=48,
        risk=Risk.HIGH,
        state=State.WITHDRAWN,
        created_at=timezone.now() - timedelta(days=3),
    )
    (card,) = cards_of([suggestion], cast.rep, selected=suggestion, query="?view=team&q=a")
    assert card.address == f"/suggestions/{suggestion.pk}/?view=team&q=a"
    assert (card.pk, card.is_open) == (suggestion.pk, True)
    assert (card.title, card.record_kind, card.record_label) == (
        "Call <b>Kim</b>", "Lead", "Kim & Park",
    )  # fmt: skip
    assert (card.value, card.assignee) == ("4,514.50\u00a0€", "Tom Mate")
    assert (card.confidence, card.confidence_basis) == (
        "72\u00a0% · 48", "72\u00a0% · 48\u00a0decisions",
    )  # fmt: skip
    assert card.suggested.endswith(">3 days ago</time>")
    assert card.badges == (
        Badge("badge", "archive", "Withdrawn"),
        Badge("badge badge-warn", "triangle-alert", "High risk"),
    )


def test_what_goes_without_saying_is_left_out(cast: Cast) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, value_at_stake=None)
    (card,) = cards_of([suggestion], cast.rep)
    assert (card.assignee, card.value, card.confidence, card.badges) == ("", "", "", ())
    assert (card.is_open, card.address) == (False, f"/suggestions/{suggestion.pk}/")


def test_a_card_without_assignee_names_nobody(cast: Cast) -> None:
    reader = User.objects.get(pk=cast.manager.pk)
    assert [card.assignee for card in cards_of([SuggestionFactory(assignee=None)], reader)] == [""]


def test_a_card_that_was_drawn_is_drawn_anew_when_anything_in_it_differs(cast: Cast) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, title="Call <b>Kim</b>", reason="Silent")
    forget_cards()
    (card,) = cards_of([suggestion], cast.rep)
    drawn = draw_card(card, is_in_queue=True)

    (again,) = cards_of([suggestion], cast.rep)
    assert draw_card(again, is_in_queue=True) is drawn
    assert "Call &lt;b&gt;Kim&lt;/b&gt;" in drawn
    assert "data-tick" not in draw_card(card, is_in_queue=False)
    (opened,) = cards_of([suggestion], cast.rep, selected=suggestion)
    assert 'aria-current="true"' in draw_card(opened, is_in_queue=True)
    suggestion.reason = "Silent since May"
    (changed,) = cards_of([suggestion], cast.rep)
    assert "Silent since May" in draw_card(changed, is_in_queue=True)
