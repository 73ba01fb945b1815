"""Suggestions, the signals they rest on, and what people decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.audit.enums import Origin
from apps.brain.enums import Goal, Provider
from apps.brain.models import BrainCall
from apps.crm.enums import RecordKind
from apps.execution.enums import ExecutionStatus, Risk
from apps.execution.models import Execution
from apps.suggestions.digest.models import DigestPreference as DigestPreference
from apps.suggestions.digest.models import DigestSchedule as DigestSchedule
from apps.suggestions.digest.models import DigestSent as DigestSent
from apps.suggestions.discoveries.models import DiscoveryLook as DiscoveryLook
from apps.suggestions.enums import HeldBack, Outcome, RejectReason, Said, Segment, State, Verdict
from apps.suggestions.learning.models import FollowedOutcome as FollowedOutcome
from apps.suggestions.learning.models import LearningReset as LearningReset
from apps.suggestions.querysets import BulkApprovalQuerySet, SuggestionQuerySet
from apps.suggestions.webhooks.models import WebhookCursor as WebhookCursor
from apps.suggestions.webhooks.models import WebhookDelivery as WebhookDelivery
from apps.suggestions.webhooks.models import WebhookEndpoint as WebhookEndpoint
from apps.tenants.routes import address_of
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.users.models import User


class Suggestion(models.Model):
    """The packet: one concrete change of one record, awaiting a person.

    ``before_values`` holds the fields it would change as they were seen, ``guard_values`` the other fields
    its reason rests on; both are compared at approval. ``facts`` are numbered, and each claim of
    ``evidence`` cites them: ``[{"text": …, "facts": [1, 3]}]``. ``arguments`` are what would be written;
    once a person has edited them, ``proposed_arguments`` keeps them as they were proposed.
    """

    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    goal = models.CharField(max_length=40, choices=Goal.choices)
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    record_label = models.CharField(max_length=300)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="suggestions",
    )
    # Of one that a person gave to its assignee: who did, and for whom the pipeline had meant it. It stays
    # theirs as long as the pipeline would still mean it for the same.
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    given_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    tool = models.CharField(max_length=60)
    arguments = models.JSONField()
    proposed_arguments = models.JSONField(null=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    edited_at = models.DateTimeField(null=True)
    before_values = models.JSONField(default=dict)
    guard_values = models.JSONField(default=dict)
    risk = models.CharField(max_length=10, choices=Risk.choices)

    title = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    facts = models.JSONField(default=list)
    evidence = models.JSONField(default=list)
    hostile_codes = models.JSONField(
        default=list, help_text="What in its texts reads like instructions to an AI."
    )

    # The kind that acceptance is measured by, with the tool: what noticed it first of all, and how much
    # is at stake.
    trigger = models.CharField(max_length=60, blank=True)
    segment = models.CharField(
        max_length=20, choices=Segment.choices, default=Segment.UNKNOWN, editable=False
    )
    value_at_stake = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    urgency = models.PositiveSmallIntegerField(choices=Severity.choices)
    confidence = models.FloatField(
        null=True, help_text="Measured acceptance; empty until measured."
    )
    confidence_n = models.PositiveIntegerField(
        default=0, help_text="Decisions behind the confidence."
    )
    likelihood = models.FloatField(
        null=True,
        help_text="How probable the finding itself is, 0 to 1; empty where it says nothing of that.",
    )
    rank = models.FloatField(default=0)
    held_back = models.CharField(
        max_length=20, choices=HeldBack.choices, default=HeldBack.DAILY_CAP, blank=True
    )
    is_on_trial = models.BooleanField(
        default=False,
        db_default=False,
        help_text="In the queue to learn whether it is wanted: its kind is quiet, or new to its reader.",
    )

    origin = models.CharField(max_length=20, choices=Origin.choices)
    provider = models.CharField(max_length=20, choices=Provider.choices)
    brain_call = models.ForeignKey(BrainCall, null=True, on_delete=models.PROTECT, related_name="+")

    created_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True, help_text="When it entered the person's queue.")
    expires_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    # Of one that comes back before that when its record changes or somebody is in touch: since when to look.
    snoozed_until_change_since = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    applied_at = models.DateTimeField(null=True)
    execution = models.OneToOneField(
        Execution, null=True, on_delete=models.PROTECT, related_name="+"
    )
    closed_because = models.CharField(max_length=200, blank=True)

    signals = models.ManyToManyField(Signal, through="SuggestionSignal", related_name="suggestions")

    objects = SuggestionQuerySet.as_manager()

    # Whether it was written from a record that its reader may not see any more, so that its texts are not
    # shown to them; None until that is asked (``services.conceal``).
    is_concealed: bool | None = None

    class Meta:
        ordering = ["-rank", "-id"]
        permissions = [("decide_suggestion", "Can approve, reject and snooze suggestions")]
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "record_id", "goal"],
                condition=Q(state__in=State.barring_values()) & ~Q(goal="as_asked"),
                name="one_open_suggestion_per_record_and_goal",
            ),
            # A person may wish for several things at once about one record.
            models.UniqueConstraint(
                fields=["record_kind", "record_id", "tool", "assignee"],
                condition=Q(state__in=State.barring_values(), goal="as_asked"),
                name="one_open_asked_suggestion_per_record_tool_and_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="suggestion_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="applied")
                | Q(execution__isnull=False, applied_at__isnull=False),
                name="applied_suggestion_has_execution",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "applied", "failed", "rejected"])
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="decided_suggestion_has_reviewer",
            ),
            models.CheckConstraint(
                condition=Q(proposed_arguments=None, edited_by=None, edited_at=None)
                | Q(
                    proposed_arguments__isnull=False,
                    edited_by__isnull=False,
                    edited_at__isnull=False,
                ),
                name="edited_suggestion_has_both_versions",
            ),
            models.CheckConstraint(
                condition=~Q(state="snoozed") | Q(snoozed_until__isnull=False),
                name="snoozed_suggestion_has_end",
            ),
        ]
        indexes = [
            # The queue: what waits, or was approved and not written, best first.
            models.Index(
                fields=["assignee", "-rank", "-id"],
                condition=Q(state__in=["pending", "failed"]),
                name="suggestion_queue_mine",
            ),
            models.Index(
                fields=["-rank", "-id"],
                condition=Q(state__in=["pending", "failed"]),
                name="suggestion_queue_all",
            ),
            models.Index(
                fields=["assignee", "-rank", "-id"],
                condition=Q(state="pending") & ~Q(held_back=""),
                name="suggestion_held_back",
            ),
            # The API's list, over all states.
            models.Index(fields=["-rank", "-id"], name="suggestion_by_rank"),
            models.Index(fields=["state", "-rank", "-id"], name="suggestion_by_state"),
            models.Index(fields=["record_kind", "record_id"], name="suggestion_by_record"),
            models.Index(fields=["assignee", "queued_at"], name="suggestion_by_day"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["pending", "snoozed", "failed"]),
                name="suggestion_expiry",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The suggestion's own page in the queue."""
        return address_of("suggestions:detail", self.pk)

    @property
    def is_asked(self) -> bool:
        """Whether a person asked for it in so many words: the assistant's, not a trigger's."""
        return self.goal == Goal.AS_ASKED

    @property
    def is_heard(self) -> bool:
        """Whether the words behind it are what a model took a person's for, and not their own."""
        return self.is_asked and bool(self.facts) and self.facts[0]["label"] == Said.HEARD.label

    @property
    def meant_for(self) -> User | None:
        """Whose it was before somebody gave it away; whose it is, else."""
        return self.given_for if self.given_by_id else self.assignee

    def remarks(self) -> Iterator[str]:
        """What people wrote beside their rejections, in order; the audit log keeps no such text."""
        rejections = self.decisions.filter(verdict=Verdict.REJECT).order_by("pk")
        return iter(rejections.values_list("note", flat=True))

    def last_decision(self) -> tuple[User | None, datetime | None]:
        """Who brought it where it stands, and when; nobody where time or a cleared signal did."""
        if self.state == State.UNDONE and self.execution is not None:
            inverse = self.execution.undo_attempts.filter(status=ExecutionStatus.SUCCEEDED).first()
            return (inverse.approved_by, inverse.approved_at) if inverse else (None, None)
        if self.state in {State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED}:
            return None, None
        return self.reviewed_by, self.reviewed_at

    @property
    def record_url(self) -> str:
        """The page of the record that it is about."""
        return reverse(f"crm:{self.record_kind}_detail", args=[self.record_id])

    @property
    def record_kind_label(self) -> str:
        """The kind of record in words."""
        return RecordKind(self.record_kind).label

    @property
    def urgency_label(self) -> str:
        """How pressing it is in words."""
        return Severity(self.urgency).label


class SuggestionSignal(models.Model):
    """A signal that a suggestion rests on."""

    suggestion = models.ForeignKey(Suggestion, on_delete=models.CASCADE, related_name="links")
    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="links")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["suggestion", "signal"], name="one_link_per_suggestion_and_signal"
            ),
        ]

    def __str__(self) -> str:
        return f"suggestion {self.suggestion_id} ← signal {self.signal_id}"


class NothingProposed(models.Model):
    """A record and goal for which the Brain, asked, proposed nothing: the same is not asked again.

    ``question`` is a hash of what was asked of whom, so a changed fact, tool or reader, another model or
    prompt makes it another question. It is empty where nothing came of it for another reason: that is tried
    again when nothing else waits.
    """

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    goal = models.CharField(max_length=40, choices=Goal.choices)
    question = models.CharField(max_length=64)
    hostile_codes = models.JSONField(default=list)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "record_id", "goal"],
                name="one_nothing_proposed_per_record_and_goal",
            ),
        ]

    def __str__(self) -> str:
        return f"nothing to {self.goal} for {self.record_kind} {self.record_id}"


class Decision(models.Model):
    """What one person decided about one suggestion: a labelled example, never changed."""

    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions"
    )
    decided_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=30, choices=RejectReason.choices, blank=True)
    note = models.CharField(max_length=500, blank=True)
    goal = models.CharField(max_length=40, choices=Goal.choices)
    trigger = models.CharField(max_length=60, blank=True)
    tool = models.CharField(max_length=60)
    segment = models.CharField(max_length=20, choices=Segment.choices, default=Segment.UNKNOWN)
    is_edited = models.BooleanField(
        default=False, db_default=False, help_text="A person had changed its arguments."
    )
    confidence = models.FloatField(
        null=True, help_text="What was shown when it was decided; empty where nothing was."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["trigger", "tool", "segment", "verdict"], name="decision_by_kind"),
            # How people decide in a period, and what became of a decision.
            models.Index(fields=["decided_at"], name="decision_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.decided_by_id}"


class SavedView(models.Model):
    """What one person has the queue or a list of records show, under a name of theirs.

    ``record_kind`` is empty for the queue; ``query`` is the page's query string.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    record_kind = models.CharField(
        max_length=20, choices=RecordKind.choices, blank=True, default="", db_default=""
    )
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "record_kind", "name"], name="one_saved_view_per_list_and_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The queue or the list as it was saved."""
        page = f"crm:{self.record_kind}_list" if self.record_kind else "suggestions:queue"
        return f"{reverse(page)}?{self.query}"


class BulkApproval(models.Model):
    """One person's yes to many suggestions of one tool; each is applied, or refused, by itself."""

    tool = models.CharField(max_length=60)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, help_text="When nothing of it waited any more.")
    origin = models.CharField(max_length=20, choices=Origin.choices)

    objects = BulkApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(finished_at=None), name="bulk_approval_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"bulk approval {self.pk} of {self.tool}"

    def get_absolute_url(self) -> str:
        """What became of each suggestion."""
        return reverse("suggestions:bulk_results", args=[self.pk])

    @property
    def is_unfinished(self) -> bool:
        """Whether something of it waits."""
        return self.finished_at is None


class BulkItem(models.Model):
    """One suggestion of a bulk approval, in the edition that the person saw, and what became of it."""

    bulk = models.ForeignKey(BulkApproval, on_delete=models.CASCADE, related_name="items")
    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    code = models.CharField(max_length=60, blank=True, help_text="Why not, for programs.")
    message = models.TextField(blank=True, help_text="Why not, for people.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bulk", "suggestion"], name="one_item_per_bulk_and_suggestion"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="bulk_outcome_is_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="waiting", done_at=None)
                | (~Q(outcome="waiting") & Q(done_at__isnull=False)),
                name="bulk_item_is_done_or_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"suggestion {self.suggestion_id} of bulk {self.bulk_id}"
