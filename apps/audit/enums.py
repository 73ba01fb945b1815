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
    SUGGESTION_APPROVED = "suggestion.approved", "Suggestion approved"
    SUGGESTION_REJECTED = "suggestion.rejected", "Suggestion rejected"
    SUGGESTION_SNOOZED = "suggestion.snoozed", "Suggestion snoozed"
    SUGGESTION_WOKEN = "suggestion.woken", "Suggestion back from snooze"
    SUGGESTION_WITHDRAWN = "suggestion.withdrawn", "Suggestion withdrawn"
    SUGGESTION_EXPIRED = "suggestion.expired", "Suggestion expired"
    SUGGESTION_SUPERSEDED = "suggestion.superseded", "Suggestion superseded"
    SUGGESTION_REOPENED = "suggestion.reopened", "Suggestion reopened"
    SUGGESTION_REBASED = "suggestion.rebased", "Suggestion brought up to date"
    SUGGESTION_STALE = "suggestion.stale", "Approval stopped: the record had changed"
    EXECUTION_SUCCEEDED = "execution.succeeded", "Change applied"
    EXECUTION_FAILED = "execution.failed", "Change not applied"
    PROPOSAL_DROPPED = "proposal.dropped", "Proposal dropped"
    POLICY_REFUSED = "policy.refused", "Refused by policy"
    PERMISSION_REFUSED = "permission.refused", "Refused: no permission"
    BRAIN_CALLED = "brain.called", "Brain called"
    SILENCE_CREATED = "silence.created", "Silence created"
    SETTINGS_CHANGED = "settings.changed", "Settings changed"
    IMPORT_FINISHED = "import.finished", "Import finished"
    EXPORTED = "export.made", "Export made"
    SIGNED_IN = "person.signed_in", "Signed in"
    SIGN_IN_FAILED = "person.sign_in_failed", "Sign-in failed"
    SIGNED_OUT = "person.signed_out", "Signed out"
    TOKEN_ISSUED = "token.issued", "API token issued"
    TOKEN_REVOKED = "token.revoked", "API token revoked"
    TENANT_CREATED = "tenant.created", "Tenant created"
