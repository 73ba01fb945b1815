"""What can go wrong with the audit log."""

from apps.tenants.exceptions import AishaError


class AuditError(AishaError):
    """The base of this app's errors."""

    code = "audit"
    status = 500


class AppendOnlyError(AuditError):
    """Someone tried to change the log."""

    code = "append_only"
    message = "The audit log can only be added to."
