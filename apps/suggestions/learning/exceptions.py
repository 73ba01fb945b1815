"""Why something was not learned anew; each with a stable code."""

from __future__ import annotations

from apps.suggestions.exceptions import SuggestionError


class ResetPermissionError(SuggestionError):
    """The person may not reset this scope."""

    code = "permission_refused"
    status = 403
    message = "Managers and administrators reset what was learned; you may reset your own."


class UnknownScopeError(SuggestionError):
    """There is no such trigger, tool or person."""

    code = "unknown_scope"
    status = 422
    message = "There is no such thing to reset."
