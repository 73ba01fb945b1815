"""What can go wrong when a person is to be erased."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.tenants.exceptions import AishaError


class PersonNotFoundError(AishaError):
    """Neither the records nor their history know of this contact or lead."""

    code = "person_not_found"
    status = 404

    def __init__(self, kind: RecordKind, record_id: int) -> None:
        super().__init__(f"There is no {kind.label.lower()} {record_id}, and never was one.")
