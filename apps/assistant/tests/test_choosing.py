"""“Which one do you mean?”, what answers it, and what is spoken about after a list."""

from __future__ import annotations

import pytest

from apps.assistant.rules.choosing import fitting, place_in
from apps.assistant.tests.talking import answer_of, begin
from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import AccountFactory, LeadFactory, OpportunityFactory
from apps.suggestions.models import Suggestion

OPTIONS = [("contact", "Anna Smith"), ("contact", "Anna Jones"), ("opportunity", "Anna portal")]


@pytest.fixture
def anas(cast: Cast) -> list[Lead]:
    """Two who are told apart by their last names."""
    names = ("Archer", "Bowman")
    return [LeadFactory(owner=cast.rep, first_name="Ana", last_name=name) for name in names]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("the second", 1), ("2.", 1), ("no. 2", 1), ("No, the second one please", 1), ("number one", 0),
        ("die zweite", 1), ("Nummer 3", 2), ("the last one", 2), ("the first contact", 0),
        ("4", None), ("First National", None), ("second thoughts about it", None),
    ],
)  # fmt: skip
def test_a_place_in_the_list(text: str, place: int | None) -> None:
    assert place_in(text, 3) == place


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Anna Jones", (1,)), ("I mean smith", (0,)), ("the Jones one", (1,)), ("Anna", (0, 1, 2)),
        ("the deal", (2,)), ("der Kontakt", (0, 1)), ("contact Anna", (0, 1)), ("company Zork", ()),
        ("What are my open tasks?", ()),
    ],
)  # fmt: skip
def test_a_name_of_the_list(text: str, places: tuple[int, ...]) -> None:
    assert fitting(text, OPTIONS) == places


@pytest.mark.parametrize("words", ["Bowman", "the Bowman one", "2", "the second one"])
def test_which_one_is_answered_by_name_or_by_place(
    cast: Cast, anas: list[Lead], words: str
) -> None:
    talk = begin(cast.rep)
    asked = answer_of(talk, "Tell me about Ana")
    place = [fact["text"] for fact in asked.facts].index("Ana Bowman")
    # In which order they are listed nobody has promised.
    said = {"2": str(place + 1), "the second one": f"the {('first', 'second')[place]} one"}
    assert answer_of(talk, said.get(words, words)).text.startswith("Lead: Ana Bowman.")


def test_a_wish_goes_on_once_it_is_clear_for_whom(cast: Cast, anas: list[Lead]) -> None:
    talk = begin(cast.rep)
    assert "Which one do you mean?" in answer_of(talk, "Remind me to call Ana").text
    assert answer_of(talk, "Zork").text.startswith("None of them is “Zork”. Several records fit")
    assert Suggestion.objects.count() == 0
    answer_of(talk, "archer")
    suggestion = Suggestion.objects.get()
    assert (suggestion.record_kind, suggestion.record_id) == ("lead", anas[0].pk)
    assert suggestion.arguments["title"] == "Call Ana"
    # What is asked anew is no answer, and who wants none of them is left alone.
    assert "Open deals" in answer_of(talk, "What is in my pipeline?").text
    answer_of(talk, "Remind me to call Ana")
    assert "leave it at that" in answer_of(talk, "never mind").text
    assert Suggestion.objects.count() == 1


def test_after_a_list_it_is_asked_which_of_it(cast: Cast, anas: list[Lead]) -> None:
    talk = begin(cast.rep)
    listed = [fact["text"] for fact in answer_of(talk, "Find Ana").facts]
    asked = answer_of(talk, "Remind me to call them")
    assert asked.text.startswith("I named several records. Which one do you mean? 1. Lead: ")
    assert Suggestion.objects.count() == 0
    answer_of(talk, "the second")
    assert Suggestion.objects.get().arguments["title"] == f"Call {listed[1]}"
    answer_of(talk, "Find Ana")
    answer_of(talk, "Remind me to write to the first one")
    latest = Suggestion.objects.order_by("-pk")[0]
    assert latest.arguments["title"] == f"Write to {listed[0]}"


def test_a_list_of_one_and_a_record_with_what_belongs_to_it_are_no_choice(cast: Cast) -> None:
    deal = OpportunityFactory(owner=cast.rep, name="Isdom GTX", account=AccountFactory())
    talk = begin(cast.rep)
    for text in ("Find Isdom", "Tell me about Isdom GTX"):
        answer_of(talk, text)
        answer = answer_of(talk, f"Remind me to call them about “{text}”")
        assert "for Isdom GTX, due" in answer.text
    assert set(Suggestion.objects.values_list("record_id", flat=True)) == {deal.pk}
