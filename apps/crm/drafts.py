"""What a person does with an e-mail draft: open it in their mail program, say that it is sent, drop it.

Nothing here sends anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.enums import ActivityKind, Direction, DraftStatus
from apps.crm.exceptions import DraftClosedError
from apps.crm.models import Activity, Draft, Record
from apps.crm.services import RecordValues, create_record, lock_visible, require_permission
from apps.users.models import User

# Mail programs and systems cut longer addresses off; what is longer is copied by hand.
LONGEST_LINK = 1900


@dataclass(frozen=True, slots=True)
class MailLink:
    """The address that opens a draft in the reader's mail program.

    ``has_text`` is false when the text is too long for an address: it has to be copied.
    """

    url: str
    has_text: bool


def mail_link(draft: Draft) -> MailLink:
    """Return the ``mailto:`` address of a draft (RFC 6068), with its text while that fits."""
    start = f"mailto:{quote(draft.to_address, safe='@')}?subject={_encoded(draft.subject)}"
    whole = f"{start}&body={_encoded(draft.body)}"
    if len(whole) <= LONGEST_LINK:
        return MailLink(whole, has_text=True)
    return MailLink(start, has_text=False)


def why_not_to_send(draft: Draft) -> str:
    """Return why the draft should not go out as things stand now, or an empty text."""
    person = draft.contact or draft.lead
    if person is None:
        return ""
    if person.do_not_contact:
        return f"{person} does not want to be contacted any more."
    if person.email and person.email.casefold() != draft.to_address.casefold():
        return f"{person} now has another address: {person.email}."
    return ""


def is_closed(record: Record) -> bool:
    """Return whether a record is a draft that is sent or discarded: it stays as it was."""
    return isinstance(record, Draft) and record.status != DraftStatus.DRAFT


def mark_sent(*, user: User, draft_id: int, now: datetime, origin: Origin = Origin.PERSON) -> Draft:
    """Note that the person has sent the draft, and log the e-mail on the records that it was about.

    Raises:
        RecordNotFoundError, ChangeRefusedError: see ``change_record``.
        DraftClosedError: it has been sent or discarded already.
    """
    require_permission(user, "add", Activity, origin=origin)
    with acting(Actor.for_person(user, origin)):
        draft = _close(user, draft_id, DraftStatus.SENT, origin, sent_at=now)
        create_record(
            user=user,
            model=Activity,
            values=RecordValues(
                {
                    "activity_kind": ActivityKind.EMAIL,
                    "direction": Direction.OUTBOUND,
                    "occurred_at": now,
                    "subject": draft.subject,
                    "body": draft.body,
                    "counterpart_address": draft.to_address,
                    # By id: whoever sees the draft may log it, whoever owns the record behind it.
                    "lead_id": draft.lead_id,
                    "contact_id": draft.contact_id,
                    "account_id": draft.account_id,
                    "opportunity_id": draft.opportunity_id,
                }
            ),
            origin=origin,
        )
    return draft


def discard(*, user: User, draft_id: int, origin: Origin = Origin.PERSON) -> Draft:
    """Note that the draft is not going to be sent; it stays on record.

    Raises:
        RecordNotFoundError, ChangeRefusedError, DraftClosedError: see ``mark_sent``.
    """
    with acting(Actor.for_person(user, origin)):
        return _close(user, draft_id, DraftStatus.DISCARDED, origin)


def _close(
    user: User, draft_id: int, status: DraftStatus, origin: Origin, sent_at: datetime | None = None
) -> Draft:
    require_permission(user, "change", Draft, draft_id, origin=origin)
    draft = lock_visible(user, Draft, draft_id)
    if draft.status != DraftStatus.DRAFT:
        raise DraftClosedError(DraftStatus(draft.status))
    draft.status, draft.sent_at = status, sent_at
    draft.save(update_fields=["status", "sent_at"])
    return draft


def _encoded(text: str) -> str:
    """Percent-encode a header of the address; lines end as in a mail."""
    return quote("\r\n".join(text.splitlines()), safe="")
