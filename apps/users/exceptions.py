"""What can go wrong with people; each with a stable code."""

from __future__ import annotations

from typing import ClassVar

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


class WriteInProgressError(UsersError):
    """The same ``Idempotency-Key`` is being worked on."""

    code = "write_in_progress"
    status = 409
    message = "This is being done at the moment. Send it again to hear what has become of it."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class KeyReusedError(UsersError):
    """The ``Idempotency-Key`` was sent with another write."""

    code = "idempotency_key_reused"
    status = 422
    message = "This Idempotency-Key was sent with something else. Nothing was done; use a new one."


class AnswerNotKeptError(UsersError):
    """The write was done before, but its answer is not there any more."""

    code = "answer_not_kept"
    status = 409
    message = "This was done already. Its answer was not kept, because of what was in it."


class CallsThrottledError(UsersError):
    """Too many calls of the API within a minute."""

    code = "throttled"
    status = 429

    def __init__(self, what: str, calls: int, wait_s: int) -> None:
        self.extras = {"limit": what, "calls_per_minute": calls}
        self.headers = {"Retry-After": str(wait_s)}
        super().__init__(
            f"More than {calls:,} calls within a minute for this {what}. Wait {wait_s} s; nothing was done."
        )
