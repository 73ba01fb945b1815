"""What can go wrong with records; each with a stable code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.crm.enums import DraftStatus
from apps.tenants.exceptions import AishaError

if TYPE_CHECKING:
    from apps.crm.models import Record


class CrmError(AishaError):
    """The base of this app's errors."""

    code = "crm"


class RecordNotFoundError(CrmError):
    """There is no such record, or not for this person."""

    code = "not_found"
    status = 404
    message = "There is no such record, or you may not see it."


class RecordMergedError(CrmError):
    """The record was merged into another, which goes on in its place."""

    code = "record_merged"
    status = 409

    def __init__(self, record: Record, survivor: Record) -> None:
        self.survivor = survivor
        self.goes_on_at = survivor.get_absolute_url()
        self.extras: dict[str, Any] = {
            "survivor": {"record_kind": survivor.kind.value, "record_id": survivor.pk}
        }
        super().__init__(f"“{record}” was merged into “{survivor}”.")


class ChangeRefusedError(CrmError):
    """The person's role does not include this change."""

    code = "permission_denied"
    status = 403
    message = "Your role does not include this change. Nothing was written."


class OwnerRefusedError(CrmError):
    """The record would go to someone whom this person may not give records to."""

    code = "owner_refused"
    status = 403
    message = "You may give records to yourself and your team only. Nothing was written."


class ReferenceRefusedError(CrmError):
    """A field would point to a record that this person may not see."""

    code = "reference_refused"
    status = 400

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"The record named in {field!r} does not exist, or you may not see it.")


class RecordChangedError(CrmError):
    """The record's revision is no longer the one that was read; nothing was written."""

    code = "record_changed"
    status = 409
    message = "The record has changed since you opened it. Nothing was written."

    def __init__(self, *, revision_read: int, revision_now: int) -> None:
        self.revision_read = revision_read
        self.revision_now = revision_now
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()


class RecordConflictError(CrmError):
    """An ``If-Match`` header names another revision than the record has; nothing was written."""

    code = "record_changed"
    status = 412
    message = "The record is not at the revision that If-Match names. Nothing was written."

    def __init__(self, revision_now: int | None) -> None:
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()


class DraftClosedError(CrmError):
    """The draft has been sent or discarded already."""

    code = "draft_closed"
    status = 409

    def __init__(self, status: DraftStatus) -> None:
        self.extras: dict[str, Any] = {"status_now": status.value}
        super().__init__(f"This draft is {status.label.lower()} already. Nothing was changed.")


class ExternalIdTakenError(CrmError):
    """Another record has this external id of this source; the person may not even see it."""

    code = "external_id_taken"
    status = 409
    message = "Another record has this external id of this source. Nothing was written."


class CursorUnknownError(CrmError):
    """A cursor of the change feed lies ahead of all that there is: a backup was restored since."""

    code = "cursor_unknown"
    status = 410
    message = "This cursor is not of this feed's past. Read the records anew, then begin without a cursor."


class LookAlikesFoundError(CrmError):
    """Whoever creates a record asked whether there is one like it, and there is; nothing was written."""

    code = "look_alikes"
    status = 409
    message = "There are records like this one. Nothing was written; without ?probe=true it is."

    def __init__(self, look_alikes: list[dict[str, Any]], unseen: int) -> None:
        self.extras: dict[str, Any] = {"look_alikes": look_alikes, "unseen": unseen}
        super().__init__()
