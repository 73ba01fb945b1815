"""What can go wrong with triggers and scans."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError


class TriggerError(AishaError):
    """The base of this app's errors."""

    code = "trigger"


class UnknownTriggerError(TriggerError):
    """No trigger has this key."""

    code = "unknown_trigger"
    status = 404

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no trigger named {key!r}.")


class InvalidParametersError(TriggerError):
    """A parameter is out of its bounds or unknown."""

    code = "invalid_parameters"
    status = 422

    def __init__(self, trigger: str, problems: list[str]) -> None:
        super().__init__(f"The parameters of {trigger} are not acceptable: {'; '.join(problems)}.")


class ScanPermissionError(TriggerError):
    """The person may not start a scan."""

    code = "scan_permission"
    status = 403
    message = "You may not start a scan."
