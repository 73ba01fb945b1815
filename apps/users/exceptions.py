"""What can go wrong with people; each with a stable code."""

from apps.tenants.exceptions import AishaError


class UsersError(AishaError):
    """The base of this app's errors."""

    code = "users"


class SignInThrottledError(UsersError):
    """Too many failed sign-ins of late."""

    code = "sign_in_throttled"
    status = 429
    message = "Too many failed attempts. Wait 15 minutes, then try again."
