"""Why a digest was not sent, or its settings not changed; each with a stable code."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.suggestions.exceptions import SuggestionError


class DigestError(SuggestionError):
    """The base of the digest's errors."""

    code = "digest"


class MailNotSetUpError(DigestError):
    """The installation has no mail server."""

    code = "mail_not_set_up"
    status = 503
    message = "No mail server is set up here (EMAIL_URL). Nothing was sent."


class NoAddressError(DigestError):
    """The person has no e-mail address."""

    code = "no_address"
    message = "You have no e-mail address here. An administrator can add one. Nothing was sent."


class NothingToTellError(DigestError):
    """No section has a row for the person."""

    code = "nothing_to_tell"
    message = "There is nothing to tell today, so nothing was sent."


class AlreadySentError(DigestError):
    """The day's digest has gone out, is going out, or may have arrived."""

    code = "digest_already_sent"

    def __init__(self, claimed_at: datetime) -> None:
        at = timezone.localtime(claimed_at)
        super().__init__(
            f"Today's digest was sent at {at:%H:%M}. There is at most one a day; nothing was sent again."
        )


class DigestNotSentError(DigestError):
    """The mail server did not take it, or it is not known whether it did."""

    status = 502

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class ScheduleChangedError(DigestError):
    """Somebody else changed the schedule since it was read; nothing was written."""

    code = "schedule_changed"
    message = (
        "Somebody changed the schedule since you opened this page. Nothing was written; it is shown as it"
        " stands now."
    )


class BrokenLinkError(DigestError):
    """A link of a mail that was cut off, changed, or made for another company."""

    code = "broken_link"
    status = 404
    message = "This link is not valid here."
