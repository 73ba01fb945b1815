"""What is on record, and where things come from."""

from django.db import models


class Origin(models.TextChoices):
    """Where a suggestion, a message or a change came from."""

    TRIGGER = "trigger", "Trigger"
    TYPED = "typed", "Typed"
    VOICE = "voice", "Voice"
    REALTIME = "realtime", "Realtime voice"
    API = "api", "API"
    PERSON = "person", "Person"


class Event(models.TextChoices):
    """Everything that is written to the audit log, with its wording."""

    SIGNAL_FIRED = "signal.fired", "Signals fired"
    SIGNAL_CLEARED = "signal.cleared", "Signals cleared"
    SCAN_STARTED = "scan.started", "Scan started"
    SCAN_FINISHED = "scan.finished", "Scan finished"
    SUGGESTION_CREATED = "suggestion.created", "Suggestion created"
    SUGGESTION_REFRESHED = "suggestion.refreshed", "Suggestion refreshed"
    SUGGESTION_SHOWN = "suggestion.shown", "Suggestion shown"
    SUGGESTION_EDITED = "suggestion.edited", "Suggestion edited"
    SUGGESTION_APPROVED = "suggestion.approved", "Suggestion approved"
    SUGGESTION_REJECTED = "suggestion.rejected", "Suggestion rejected"
    SUGGESTION_SNOOZED = "suggestion.snoozed", "Suggestion snoozed"
    SUGGESTION_WOKEN = "suggestion.woken", "Suggestion back from snooze"
    SUGGESTION_WITHDRAWN = "suggestion.withdrawn", "Suggestion withdrawn"
    SUGGESTION_EXPIRED = "suggestion.expired", "Suggestion expired"
    SUGGESTION_SUPERSEDED = "suggestion.superseded", "Suggestion superseded"
    SUGGESTION_REASSIGNED = "suggestion.reassigned", "Suggestion given to somebody"
    SUGGESTION_REOPENED = "suggestion.reopened", "Suggestion reopened"
    SUGGESTION_REBASED = "suggestion.rebased", "Suggestion brought up to date"
    SUGGESTION_STALE = "suggestion.stale", "Approval stopped: the record had changed"
    BULK_REQUESTED = "bulk.requested", "Bulk approval requested"
    EXECUTION_SUCCEEDED = "execution.succeeded", "Change applied"
    EXECUTION_FAILED = "execution.failed", "Change not applied"
    EXECUTION_UNDONE = "execution.undone", "Change undone"
    PROPOSAL_DROPPED = "proposal.dropped", "Proposal dropped"
    HOSTILE_TEXT_FOUND = "hostile_text.found", "Text that reads like instructions to an AI found"
    POLICY_REFUSED = "policy.refused", "Refused by policy"
    PERMISSION_REFUSED = "permission.refused", "Refused: no permission"
    BRAIN_CALLED = "brain.called", "Brain called"
    BRAIN_READ = "brain.read", "Read for an answer"
    BRAIN_READ_REFUSED = "brain.read_refused", "Refused: what the Brain wanted to read"
    BUDGET_SOFT_LIMIT = "budget.soft_limit", "Soft limit of the budget reached"
    DIGEST_SENT = "digest.sent", "Digest sent"
    DIGEST_FAILED = "digest.failed", "Digest not sent"
    DIGEST_UNSUBSCRIBED = "digest.unsubscribed", "Unsubscribed from the digest"
    SILENCE_CREATED = "silence.created", "Silence created"
    SILENCE_LIFTED = "silence.lifted", "Silence lifted"
    MODEL_CHOSEN = "model.chosen", "Former model put into service again"
    MODEL_LET_GO = "model.let_go", "Choice of a model let go"
    PREDICTION_RUN_REQUESTED = "prediction_run.requested", "Training, scoring or forecast requested"
    PREDICTION_RUN_STOPPED = "prediction_run.stopped", "Training, scoring or forecast stopped"
    PAIR_NOT_DUPLICATE = "pair.not_duplicate", "Said of two records that they are not the same"
    PAIR_REOPENED = "pair.reopened", "Two records to be looked at again as duplicates"
    MATCH_RUN_REQUESTED = "match_run.requested", "Look for duplicates requested"
    MATCH_RUN_STOPPED = "match_run.stopped", "Look for duplicates stopped"
    CONVERSATION_DELETED = "conversation.deleted", "Conversation deleted"
    REALTIME_TOKEN_ISSUED = "realtime.token_issued", "Token for realtime voice issued"
    REALTIME_TOKEN_REFUSED = "realtime.token_refused", "Token for realtime voice refused"
    REALTIME_TOOL_REFUSED = "realtime.tool_refused", "Refused: what realtime voice wanted to do"
    REALTIME_SESSION_ENDED = "realtime.session_ended", "Realtime session ended"
    TARGET_SET = "target.set", "Sales target set"
    TARGET_CHANGED = "target.changed", "Sales target changed"
    TARGET_REMOVED = "target.removed", "Sales target removed"
    TRIAL_REQUESTED = "trial.requested", "Predictions tried on a file"
    TRIAL_DELETED = "trial.deleted", "Trial of predictions on a file deleted"
    SETTINGS_CHANGED = "settings.changed", "Settings changed"
    IMPORT_FINISHED = "import.finished", "Import finished"
    EXPORTED = "export.made", "Export made"
    DATA_ERASED = "data.erased", "Personal data erased"
    SIGNED_IN = "person.signed_in", "Signed in"
    SIGN_IN_FAILED = "person.sign_in_failed", "Sign-in failed"
    SIGNED_OUT = "person.signed_out", "Signed out"
    TOKEN_ISSUED = "token.issued", "API token issued"
    TOKEN_REVOKED = "token.revoked", "API token revoked"
    TENANT_CREATED = "tenant.created", "Tenant created"

    @classmethod
    def wording(cls, code: str) -> str:
        """An event in words; one that is not known (any more) stands for itself: nothing leaves the log."""
        return str(dict(cls.choices).get(code, code))


class Fault(models.TextChoices):
    """What the check of the log can find, with its wording."""

    ENTRY_CHANGED = "entry_changed", "entry {entry} was changed after it was sealed (seal {seal})"
    ENTRY_REMOVED = "entry_removed", "entry {entry} was removed after it was sealed (seal {seal})"
    ENTRY_SLIPPED_IN = (
        "entry_slipped_in",
        "entry {entry} was slipped in: it is in no seal, and the log is sealed beyond its place",
    )
    ENTRY_TWICE = "entry_twice", "entry {entry} is there twice: one of the two was slipped in"
    ENTRY_AHEAD = (
        "entry_ahead",
        "entry {entry} was slipped in: its transaction is one that has not begun yet",
    )
    SEAL_CHANGED = "seal_changed", "seal {seal} was changed"
    SEAL_REMOVED = "seal_removed", "seal {seal} was removed"
    SEAL_SLIPPED_IN = "seal_slipped_in", "seal {seal} was slipped in"
    SEAL_UNREADABLE = "seal_unreadable", "seal {seal} has a format that this version does not know"
    CUT = "cut", "seal {seal}, exported as a head, is gone: the end of the chain was cut off"
    REWRITTEN = (
        "rewritten",
        "seal {seal} is not the one exported as a head: the chain was made anew",
    )
