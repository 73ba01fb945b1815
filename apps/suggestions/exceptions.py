"""Why a decision was not taken; each with a stable code."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import formats, timezone

from apps.tenants.exceptions import AishaError

if TYPE_CHECKING:
    from apps.suggestions.models import Suggestion


def _when(moment: datetime | None) -> str:
    """The moment in the reader's zone."""
    if moment is None:
        return ""
    return f", {formats.date_format(timezone.localtime(moment), 'j M H:i')}"


class SuggestionError(AishaError):
    """The base of this app's errors."""

    code = "suggestion"
    status = 409


class SuggestionNotFoundError(SuggestionError):
    """There is no such suggestion, or this person may not see it."""

    code = "not_found"
    status = 404
    message = "There is no such suggestion here."


class DecisionPermissionError(SuggestionError):
    """The person may look at suggestions but not decide on them."""

    code = "permission_refused"
    status = 403
    message = "You may not decide on suggestions."


class AlreadyDecidedError(SuggestionError):
    """Somebody, or the system, was first."""

    code = "already_decided"

    def __init__(self, suggestion: Suggestion) -> None:
        person, at = suggestion.last_decision()
        who = person.display_name if person else ""
        self.extras: dict[str, Any] = {
            "state": suggestion.state,
            "decided_by": who or None,
            "decided_at": at.isoformat() if at else None,
        }
        state = suggestion.get_state_display().lower()
        by = f" by {who}" if who else ""
        super().__init__(f"This suggestion is already {state}{by}{_when(at)}.")


class AnotherOpenError(SuggestionError):
    """A second suggestion for the same record and goal would be open."""

    code = "another_open"
    message = "Another suggestion for the same purpose waits already."


class AssigneeRefusedError(SuggestionError):
    """The person who was named cannot have the suggestion."""

    code = "assignee_refused"
    status = 422

    def __init__(self, why: str) -> None:
        super().__init__(why)


class StopPermissionError(SuggestionError):
    """The person may reject a suggestion, but not stop what it stands for so widely."""

    code = "permission_refused"
    status = 403
    message = "Stopping this for everybody is for managers. Nothing was changed."


class ConcealedError(SuggestionError):
    """It was written from a record that the person may not see any more."""

    code = "rests_on_hidden"
    message = (
        "This was written from a record that you may not see any more. Bring it up to date; what is left of"
        " it can be decided then."
    )


class TooManyViewsError(SuggestionError):
    """A person keeps as many views as are allowed."""

    code = "too_many_views"
    status = 422

    def __init__(self, most: int) -> None:
        super().__init__(f"You keep {most} views already. Drop one first.")


class WithdrawnError(SuggestionError):
    """The reason no longer holds; the suggestion was withdrawn instead of applied."""

    code = "withdrawn"
    message = "The reason for this no longer holds, so nothing is left to do. Nothing was changed."


class ApplyFailedError(SuggestionError):
    """The approval stands, but the change could not be written; it can be tried again."""

    code = "apply_failed"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The change could not be written: {reason} Nothing was changed; try again."
        )


class InvalidSnoozeError(SuggestionError):
    """The snooze does not end in the near future."""

    code = "invalid_snooze"
    status = 422
    message = "Choose a time between now and 90 days from now."


class ChangedSinceSeenError(SuggestionError):
    """The suggestion was refreshed after the person had looked at it."""

    code = "changed_since_seen"
    message = "This suggestion was brought up to date while you looked at it. Read it again."


class EditionChangedError(SuggestionError):
    """``If-Match`` names another edition than the present one."""

    code = "suggestion_changed"
    status = 412
    message = "This suggestion is no longer as you read it. Nothing was done; read it again."

    def __init__(self, refreshed_at: str | None) -> None:
        self.extras = {"refreshed_at": refreshed_at}
        super().__init__()


class InvalidDecisionError(SuggestionError):
    """A field of the decision is missing or not one of the offered values."""

    code = "invalid_decision"
    status = 422
    message = "Choose one of the offered answers."


class NotProposableError(SuggestionError):
    """The two records are no pair that could be merged like this."""

    code = "not_proposable"
    status = 422
    message = "These two records are not, or no longer, a pair that could be merged like this."


class NotAskableError(SuggestionError):
    """The tool is there, and nobody may ask for it in words."""

    code = "tool_not_allowed"
    status = 403

    def __init__(self, label: str) -> None:
        super().__init__(f"“{label}” is nothing that can be asked for here.")


class ProposalRefusedError(SuggestionError):
    """What was asked for does not hold; ``code`` says against what, as in the record of the pipeline."""

    code = "proposal_refused"
    status = 422

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(_WHY_REFUSED.get(code, _STATED_NOWHERE))


_STATED_NOWHERE = "It holds a detail that stands neither in your words nor in the record."
_WHY_REFUSED = {
    "changes_nothing": "The record says so already: nothing would change.",
    "implausible_date": "The day lies in the past, or more than half a year ahead.",
    "unknown_record": "It names a record that was not found for what you said.",
    "unknown_person": "It would be given to somebody else; that is for you to say, with “Edit”.",
    "amount_not_said": "It holds an amount that does not stand in your words: say it in digits.",
    "no_evidence": "It says neither what was asked for nor why.",
    "too_long": "The reason is longer than 500 characters.",
    "reads_like_orders": "Its text reads like instructions to an AI.",
    "hidden_signs": "Its text holds signs that nobody sees.",
    "markup": "Its text holds markup.",
}


class PartNotAllowedError(SuggestionError):
    """The change stands or falls as a whole."""

    code = "part_not_allowed"
    status = 422
    message = "The fields of this change belong together: approve all of them or edit the change."


class HighRiskError(SuggestionError):
    """High risk is never decided in bulk."""

    code = "high_risk"
    status = 422
    message = "High risk is decided one by one, on its own page."


class BulkSizeError(SuggestionError):
    """Nothing was chosen, too much, or the same twice."""

    code = "bulk_size"
    status = 422

    def __init__(self, most: int) -> None:
        super().__init__(f"Choose 1 to {most:,} suggestions, each once.")


class BulkToolError(SuggestionError):
    """The chosen suggestions are not of one kind, so that no one diff tells what they would change."""

    code = "bulk_tools"
    status = 422
    message = "Suggestions that are approved together make the same kind of change."


class BulkNotFoundError(SuggestionError):
    """There is no such bulk approval, or it is another person's."""

    code = "not_found"
    status = 404
    message = "There is no such bulk approval here."


class BulkRetryError(SuggestionError):
    """What is to be tried again is not among what failed."""

    code = "bulk_retry"
    message = "Only what was not applied can be tried again."


class UndoFailedError(SuggestionError):
    """The change stands; taking it back could not be written, and can be tried again."""

    code = "undo_failed"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The change could not be undone: {reason} It stands as it was applied; try again."
        )
