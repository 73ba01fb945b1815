"""Why a change was not applied; each with a stable code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.tenants.exceptions import AishaError

if TYPE_CHECKING:
    from apps.execution.schemas import RecordRef, ValueMoved


class ExecutionError(AishaError):
    """The base of this app's errors."""

    code = "execution"
    status = 409


class UnknownToolError(ExecutionError):
    """The tool is not in the registry, perhaps because it was taken away since."""

    code = "unknown_tool"
    status = 422

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no tool named {key!r}.")


class InvalidArgumentsError(ExecutionError):
    """The arguments do not fit the tool's schema."""

    code = "invalid_arguments"
    status = 422

    def __init__(self, tool: str, problems: list[str]) -> None:
        self.extras: dict[str, Any] = {"problems": problems}
        super().__init__(f"The arguments do not fit {tool}: {'; '.join(problems)}.")


class ReferenceRefusedError(ExecutionError):
    """A row that the change names is not there, not in use, or not for this person."""

    code = "reference_refused"
    status = 422

    def __init__(self, field: str, reason: str) -> None:
        self.extras: dict[str, Any] = {"field": field}
        super().__init__(reason)


class ChangeNotPossibleError(ExecutionError):
    """The record as it stands does not allow the change; nothing was written."""

    code = "change_not_possible"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PermissionRefusedError(ExecutionError):
    """The person may not make this change to this record."""

    code = "permission_refused"
    status = 403
    message = "You may not make this change."


class RecordGoneError(ExecutionError):
    """The record is no longer there."""

    code = "record_gone"
    status = 409
    message = "The record is no longer there."


class RecordMergedError(RecordGoneError):
    """The record was merged into another one since, which stands for both now."""

    code = "record_merged"
    status = 409

    def __init__(self, record: str, survivor: str, survivor_ref: RecordRef) -> None:
        self.extras: dict[str, Any] = {
            "survivor": {"record_kind": survivor_ref.kind.value, "record_id": survivor_ref.id}
        }
        super().__init__(f"{record[:1].upper()}{record[1:]} has been merged into {survivor} since.")


class StaleError(ExecutionError):
    """What was seen is no longer what stands there; nothing was written."""

    code = "stale"
    status = 409
    message = "The record has changed since this was suggested. Nothing was written."

    def __init__(self, moved: list[ValueMoved]) -> None:
        self.moved = moved
        self.extras: dict[str, Any] = {
            "changes": [
                {
                    "record": f"{change.record.kind.value}:{change.record.id}",
                    "field": change.field,
                    "seen": change.seen,
                    "now": change.now,
                }
                for change in moved
            ]
        }
        super().__init__()


class AlreadyUndoneError(ExecutionError):
    """The change has been taken back already."""

    code = "already_undone"
    status = 409
    message = "This change has already been undone."


class AlreadyAppliedError(ExecutionError):
    """A change with this idempotency key has been applied."""

    code = "already_applied"
    status = 409
    message = "This change has already been applied."


class PolicyRefusedError(ExecutionError):
    """Policy answered that this change may not be made on this road."""

    code = "policy_refused"
    status = 403
    message = "Policy does not allow this change."


class NotReversibleError(ExecutionError):
    """The tool cannot take back what it did, or there is nothing to take back."""

    code = "not_reversible"
    status = 409
    message = "This change cannot be undone here. Correct the record by hand."


class UndoWindowError(ExecutionError):
    """The change is too old to be undone."""

    code = "undo_window_over"
    status = 409

    def __init__(self, days: int) -> None:
        self.extras: dict[str, Any] = {"undo_days": days}
        super().__init__(
            f"This change is older than {days} days and cannot be undone here."
            " Correct the record by hand."
        )


class UndoConflictError(ExecutionError):
    """Every field was edited after the change: an undo would overwrite what a person wrote since."""

    code = "undo_conflict"
    status = 409
    message = "Everything that was written has been edited since, so nothing was undone."

    def __init__(self, fields: list[str]) -> None:
        self.extras: dict[str, Any] = {"fields": fields}
        super().__init__()


class LaterWorkError(ExecutionError):
    """A new record has been worked on since it was made; it is undone only by whoever says that they know."""

    code = "later_work"
    status = 409

    def __init__(
        self, noun: str, labels: dict[str, str], hanging: dict[str, int], counted: list[str]
    ) -> None:
        self.extras: dict[str, Any] = {
            "fields": [*labels],
            "hanging": hanging,
            "despite": sorted({*labels, *hanging}),
        }
        work = [f"edited: {', '.join(labels.values())}"] if labels else []
        work += [f"hung on it: {', '.join(counted)}"] if counted else []
        super().__init__(
            f"The {noun.lower()} has been worked on since it was made ({'; '.join(work)}),"
            " so it was left alone. Nothing was undone."
        )
