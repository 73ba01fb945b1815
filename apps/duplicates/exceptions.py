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


class PairPermissionError(DuplicateError):
    """The person's role does not include to say that two records are not the same."""

    code = "pair_permission"
    status = 403
    message = "Your role does not include deciding on duplicates. Nothing was changed."


class PairStateError(DuplicateError):
    """The pair is not in a state in which this can be said of it."""

    code = "pair_state"
    status = 409


class PairNotFoundError(DuplicateError):
    """There is no such pair for this person."""

    code = "pair_not_found"
    status = 404
    message = "There is no such pair."


class MatchPermissionError(DuplicateError):
    """The person's role does not include looking for duplicates."""

    code = "match_permission"
    status = 403
    message = "Your role does not include looking for duplicates. Nothing was done."


class MatchingBusyError(DuplicateError):
    """Somebody else compares the same records."""

    code = "matching_busy"
    status = 409
    message = "Somebody is comparing these records already. Ask again when that is done."
