"""What can go wrong with duplicates, each with a stable code."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError


class DuplicateError(AishaError):
    """The base of this app's errors."""

    code = "duplicate"


class TableRefusedError(DuplicateError):
    """In a table no duplicates can be looked for, whatever is done; the message says why."""

    code = "table_refused"
    status = 422
