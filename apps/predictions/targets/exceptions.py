"""Why a target was not set, each with a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.predictions.exceptions import PredictionError


class TargetPermissionError(PredictionError):
    """The person's role does not let them set targets."""

    code = "targets_not_allowed"
    status = 403
    message = "Targets are set by managers and administrators. Nothing was changed."


class TargetNotFoundError(PredictionError):
    """There is no such target, or the person may not see it."""

    code = "not_found"
    status = 404
    message = "There is no such target here."


class InvalidTargetError(PredictionError):
    """What was given makes no target; ``problems`` by the name of the value."""

    code = "invalid_target"
    status = 422

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        self.extras: dict[str, Any] = {"errors": {name: [why] for name, why in problems.items()}}
        super().__init__(f"This target is not acceptable: {' '.join(problems.values())}")


class TargetChangedError(PredictionError):
    """Somebody else changed the target since it was read; nothing was written."""

    code = "target_changed"
    status = 412
    message = "Somebody changed this target since you opened it. Nothing was written."

    def __init__(self, revision_now: int) -> None:
        self.extras: dict[str, Any] = {"revision": revision_now}
        super().__init__()
