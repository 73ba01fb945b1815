"""What can go wrong with people; each with a stable code."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError
from apps.users.enums import Scope


class UsersError(AishaError):
    """The base of this app's errors."""

    code = "users"


class SignInThrottledError(UsersError):
    """Too many failed sign-ins of late."""

    code = "sign_in_throttled"
    status = 429
    message = "Too many failed attempts. Wait 15 minutes, then try again."


class ScopeMissingError(UsersError):
    """The person may, but the token with which they ask may not be used for it."""

    code = "scope_missing"
    status = 403

    def __init__(self, scope: Scope) -> None:
        self.extras = {"scope": scope.value}
        super().__init__(f"This token may not be used for that: it lacks the scope {scope.value}.")
