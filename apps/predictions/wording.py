"""What each prediction asks and answers, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS, Layout
from apps.predictions.enums import Prediction, Rung
from apps.tenants.templatetags.aisha_ui import NO_BREAK_SPACE


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one prediction.

    ``label`` stands beside a score, ``asks`` is the question, ``came`` says of records that it came true
    (“were converted”), ``came_of_one`` of one of them. ``is_good`` tells whether a high score is good news;
    ``is_chance`` whether it is a probability that was learned, and not a measure by a formula.
    """

    prediction: Prediction
    record_kind: RecordKind
    label: str
    asks: str
    came: str
    came_of_one: str
    is_good: bool = True
    is_chance: bool = True

    @property
    def title(self) -> str:
        """Its name."""
        return self.prediction.label

    @property
    def layout(self) -> Layout:
        """The pages of the records that it is about."""
        return LAYOUTS[self.record_kind]


WORDINGS: dict[Prediction, Wording] = {
    wording.prediction: wording
    for wording in (
        Wording(
            Prediction.LEAD_CONVERSION,
            RecordKind.LEAD,
            label="Chance of conversion",
            asks="Will an open lead be converted within 90 days?",
            came="were converted",
            came_of_one="is converted",
        ),
        Wording(
            Prediction.DEAL_CLOSE,
            RecordKind.OPPORTUNITY,
            label="Chance of winning",
            asks="Will an open deal be won within the time that won deals take here?",
            came="were won",
            came_of_one="is won",
        ),
        Wording(
            Prediction.CONTACT_ENGAGEMENT,
            RecordKind.CONTACT,
            label="Engagement",
            asks="How much do both sides have to do with each other, and is it growing?",
            came="are in touch",
            came_of_one="is in touch",
            is_chance=False,
        ),
        Wording(
            Prediction.RENEWAL_RISK,
            RecordKind.ACCOUNT,
            label="Risk of not renewing",
            asks="Will an account whose contract ends within 180 days not renew it?",
            came="did not renew",
            came_of_one="does not renew",
            is_good=False,
        ),
    )
}

WORDING_OF_KIND: dict[RecordKind, Wording] = {
    wording.record_kind: wording for wording in WORDINGS.values()
}

RUNG_WORDS: dict[Rung, str] = {
    Rung.BASE_RATE: "the company’s average and nothing else",
    Rung.FREQUENCIES: "how often it came true for like records, drawn towards the average where they are few",
    Rung.LOGISTIC: "a weighted sum of what is known (logistic regression)",
    Rung.BOOSTING: "many small decision trees, each mending the ones before (gradient boosting)",
}


def words_for(score_0_1: float, wording: Wording) -> str:
    """Write a score: a chance in whole percent and never as certain, a measure as so many of 100."""
    if not wording.is_chance:
        return f"{round(100 * score_0_1)} of 100"
    whole = round(100 * score_0_1)
    if whole < 1:
        return f"under 1{NO_BREAK_SPACE}%"
    if whole > 99:
        return f"over 99{NO_BREAK_SPACE}%"
    return f"{whole}{NO_BREAK_SPACE}%"
