"""What can go wrong with tenants and roles, each with a stable code."""

from __future__ import annotations

from apps.tenants.enums import Role


class AishaError(Exception):
    """The base of every error that a person or a program may be shown.

    ``code`` is stable and part of the API; ``message`` is for the person; ``status`` is the HTTP status.
    ``goes_on_at`` is the address of the page to which a person is led instead of to an error page.
    """

    code = "error"
    status = 400
    message = "Something went wrong."
    goes_on_at = ""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or type(self).message
        super().__init__(self.message)


class TenantError(AishaError):
    """The base of this app's errors."""

    code = "tenant"


class NestedRoleError(TenantError):
    """A block asked for a second database role inside another one."""

    code = "nested_role"
    status = 500

    def __init__(self, *, taken: Role, wanted: Role) -> None:
        super().__init__(f"The database role {taken} is taken; {wanted} cannot be taken inside it.")


class RoleEscapeError(TenantError):
    """A statement tried to leave the database role that its block runs in."""

    code = "role_escape"
    status = 500
    message = "A statement tried to change the database role and was refused."


class TenantExistsError(TenantError):
    """The schema or the host name is in use."""

    code = "tenant_exists"
    status = 409


class ModuleOffError(TenantError):
    """The module is off for this tenant, or its gate could not be read."""

    code = "module_off"
    status = 403
    message = "This part of AiSHA is switched off for your company."


class SecretUnreadableError(TenantError):
    """None of the sealing keys in force opens a stored secret."""

    code = "secret_unreadable"
    status = 500
    message = "The stored key can no longer be read: enter it again."


class UnknownHostError(TenantError):
    """No address belongs to a host's name."""

    code = "unknown_host"
    status = 422
    message = "There is no host of this name."
