"""What can go wrong with triggers and scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.tenants.exceptions import AishaError
from apps.triggers.parameters import ParameterProblem


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

    def __init__(self, trigger: str, problems: Sequence[ParameterProblem]) -> None:
        self.problems = tuple(problems)
        words = [": ".join(filter(None, [found.name, found.message])) for found in problems]
        by_name: dict[str, list[str]] = {}
        for found in problems:
            by_name.setdefault(found.name or "non_field_errors", []).append(found.message)
        self.extras: dict[str, Any] = {"errors": {"parameters": by_name}}
        super().__init__(f"The parameters of {trigger} are not acceptable: {' '.join(words)}")


class ScanPermissionError(TriggerError):
    """The person may not start a scan."""

    code = "scan_permission"
    status = 403
    message = "You may not start a scan."


class SettingPermissionError(TriggerError):
    """The person's role does not include changing triggers or working days."""

    code = "setting_permission"
    status = 403
    message = "Your role does not include changing this. Nothing was changed."


class SettingChangedError(TriggerError):
    """Somebody else changed the setting since it was read; nothing was written."""

    code = "setting_changed"
    status = 412
    message = "Somebody changed this since you read it. Nothing was written."

    def __init__(self, revision_now: int) -> None:
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()


class WorkingWeekChangedError(TriggerError):
    """Somebody else changed the working week while the person did, too; nothing was written."""

    code = "setting_changed"
    status = 409

    def __init__(self, week_now: str) -> None:
        super().__init__(
            f"Somebody changed the working week meanwhile: it is {week_now} now. Nothing of yours has"
            " been saved yet. What you chose is below; save again to set it."
        )


class TooManyHolidaysError(TriggerError):
    """More days off than are kept."""

    code = "too_many_holidays"
    status = 422

    def __init__(self, wanted: int, most: int) -> None:
        super().__init__(
            f"That would be {wanted} days off; {most} are kept. Remove those that are long past."
        )


class EmptyScopeError(TriggerError):
    """There is no record to be scanned, or none that the person may see."""

    code = "empty_scope"
    status = 404

    def __init__(self, message: str = "There is no record here that could be scanned.") -> None:
        super().__init__(message)


class EmptyListError(EmptyScopeError):
    """A list that shows no record at present: there is one, but nothing of it to be scanned."""

    def __init__(self, name: str = "") -> None:
        of = f"“{name}”" if name else "This list"
        super().__init__(f"{of} shows no record at present: nothing was scanned.")


class ScopeTooLargeError(TriggerError):
    """More records than are scanned by themselves."""

    code = "scope_too_large"
    status = 422

    def __init__(self, most: int) -> None:
        super().__init__(
            f"These are more than {most:,} records. Narrow the list, or scan everything."
        )


class ScanEndedError(TriggerError):
    """A scan that has ended cannot be stopped."""

    code = "scan_ended"
    status = 409

    def __init__(self) -> None:
        super().__init__("This scan has ended already.")
