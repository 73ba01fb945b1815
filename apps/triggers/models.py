"""Signals, silences, the settings of triggers and the ledger of scans."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.tenants.transactions import CURRENT_TRANSACTION
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.models import Work
from apps.triggers.enums import ScanKind, ScanStatus, Severity
from apps.triggers.querysets import (
    BaselineQuerySet,
    ReplayRunQuerySet,
    ScanQuerySet,
    SignalQuerySet,
    SilenceQuerySet,
)


class Signal(models.Model):
    """One trigger firing for one record: *firing* until ``cleared_at`` is set.

    ``facts`` are what the trigger saw, as moments and ids rather than ages, so that an unchanged record
    leaves the row untouched. ``parameters`` are those it went by: of a firing signal the tenant's present
    ones, as of the last look; a cleared signal keeps the facts and parameters of then.
    """

    trigger = models.CharField(max_length=60)
    goal = models.CharField(max_length=40, choices=Goal.choices)
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    facts = models.JSONField(default=dict)
    parameters = models.JSONField(default=dict)
    fired_at = models.DateTimeField(db_default=Now())
    refreshed_at = models.DateTimeField(db_default=Now())
    cleared_at = models.DateTimeField(null=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        ordering = ["-fired_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["trigger", "record_id"],
                condition=Q(cleared_at=None),
                name="one_firing_signal_per_trigger_and_record",
            ),
        ]
        indexes = [
            models.Index(
                fields=["record_kind", "record_id", "goal"],
                condition=Q(cleared_at=None),
                name="signal_firing_by_record",
            ),
            models.Index(fields=["-fired_at", "-id"], name="signal_by_time"),
            # The page of the engine's health counts by these, without reading rows.
            models.Index(fields=["trigger", "fired_at"], name="signal_fired_by_trigger"),
            models.Index(
                fields=["trigger", "cleared_at"],
                condition=Q(cleared_at__isnull=False),
                name="signal_cleared_by_trigger",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} on {self.record_kind} {self.record_id}"

    @property
    def is_firing(self) -> bool:
        """Whether the condition still held at the last scan."""
        return self.cleared_at is None


class Silence(models.Model):
    """ "Do not suggest this" until a moment. Empty columns match everything; all empty is the tenant."""

    record_kind = models.CharField(max_length=20, choices=RecordKind.choices, blank=True)
    record_id = models.BigIntegerField(null=True, blank=True)
    goal = models.CharField(max_length=40, choices=Goal.choices, blank=True)
    trigger = models.CharField(max_length=60, blank=True)
    tool = models.CharField(max_length=60, blank=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["record_kind", "record_id", "until"], name="silence_by_record"),
        ]

    def __str__(self) -> str:
        scope = " ".join(
            filter(None, [self.record_kind, str(self.record_id or ""), self.goal, self.trigger])
        )
        return f"{scope or 'everything'} until {timezone.localtime(self.until):%Y-%m-%d}"

    def covers(self, *, record_kind: str, record_id: int, goal: str, trigger: str) -> bool:
        """Whether every column that it fills is this; the tool is not asked for."""
        return (
            self.record_kind in {"", record_kind}
            and self.record_id in {None, record_id}
            and self.goal in {"", goal}
            and self.trigger in {"", trigger}
        )


class TriggerSetting(models.Model):
    """A tenant's own choice for one trigger; a missing row means the defaults."""

    trigger = models.CharField(max_length=60, unique=True)
    is_enabled = models.BooleanField(default=True)
    parameters = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="Counts the changes.")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["trigger"]

    def __str__(self) -> str:
        return self.trigger


class Baseline(models.Model):
    """What a trigger measured in the tenant's own records on one day; the newest is in force."""

    trigger = models.CharField(max_length=60)
    version = models.CharField(max_length=40, help_text="The day in the tenant's zone.")
    values = models.JSONField(default=dict)
    measured_at = models.DateTimeField()

    objects = BaselineQuerySet.as_manager()

    class Meta:
        ordering = ["trigger", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["trigger", "version"], name="one_baseline_per_trigger_and_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.version}"


class TriggerState(models.Model):
    """How far a trigger has looked: up to which transaction, for which moment, under which conditions.

    ``cursor`` is the oldest transaction that was still open at the last look: changes of it and of later
    ones are still to be read. ``epoch`` is a hash of what calls for a look at everything when it differs.
    """

    trigger = models.CharField(max_length=60, unique=True)
    cursor = models.BigIntegerField()
    looked_at = models.DateTimeField()
    epoch = models.CharField(max_length=64)
    looked_fully_at = models.DateTimeField()

    class Meta:
        ordering = ["trigger"]

    def __str__(self) -> str:
        return f"{self.trigger} up to {timezone.localtime(self.looked_at):%Y-%m-%d %H:%M}"


class Scan(models.Model):
    """The ledger row of one run of some triggers, over everything or over some records of a kind.

    ``scope_name`` is the kept view that the records were taken from, if any; what it shows may have changed
    since, so that the ids stand here.
    """

    kind = models.CharField(max_length=20, choices=ScanKind.choices)
    status = models.CharField(max_length=20, choices=ScanStatus.choices, default=ScanStatus.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    triggers = models.JSONField(default=list, help_text="The keys of the triggers to run.")
    scope_kind = models.CharField(
        max_length=20,
        choices=RecordKind.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Of which records; empty for everything.",
    )
    scope_ids = models.JSONField(default=list, blank=True, help_text="The ids of those records.")
    scope_name = models.CharField(max_length=40, blank=True, default="", db_default="")
    is_cancel_requested = models.BooleanField(default=False, db_default=False)
    stage = models.CharField(max_length=60, blank=True, help_text="What it is doing now.")
    steps_done = models.PositiveSmallIntegerField(default=0)
    steps_total = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    suggestions_created = models.PositiveIntegerField(default=0)
    suggestions_refreshed = models.PositiveIntegerField(default=0)
    suggestions_withdrawn = models.PositiveIntegerField(default=0)
    held_back = models.PositiveIntegerField(default=0)
    signals_waiting = models.PositiveIntegerField(
        null=True,
        help_text="Signals whose suggestions are made as the queues drain; empty when none were to be made.",
    )
    error = models.TextField(blank=True)
    awaits_pipeline = models.BooleanField(
        default=False, help_text="What follows a scan is still to be done after it."
    )

    objects = ScanQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ScanStatus.values), name="scan_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "-id"], name="scan_by_kind"),
            models.Index(
                fields=["-id"],
                condition=Q(status__in=[ScanStatus.FAILED, ScanStatus.LOST]),
                name="scan_gone_wrong",
            ),
            models.Index(
                fields=["id"], condition=Q(awaits_pipeline=True), name="scan_awaiting_pipeline"
            ),
        ]

    def __str__(self) -> str:
        return f"Scan {self.pk} ({self.get_kind_display()}, {self.get_status_display()})"

    @property
    def is_unfinished(self) -> bool:
        """Whether it still waits or runs."""
        return self.status in {ScanStatus.QUEUED, ScanStatus.RUNNING}

    @property
    def scope_label(self) -> str:
        """What it looks at, in words; empty for everything."""
        if not self.scope_kind:
            return ""
        kind, count = RecordKind(self.scope_kind), len(self.scope_ids)
        words = f"1 {kind.label.lower()}" if count == 1 else f"{count:,} {LAYOUTS[kind].nouns}"
        return f"{words} of “{self.scope_name}”" if self.scope_name else words

    @property
    def duration_s(self) -> float | None:
        """How long it ran, or None while it does or when it never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def fired(self) -> int:
        """Signals that it fired, over all triggers."""
        return sum(result.fired for result in self.results.all())

    @property
    def cleared(self) -> int:
        """Signals that it cleared, over all triggers."""
        return sum(result.cleared for result in self.results.all())


class ScanTrigger(models.Model):
    """What one trigger found in one scan."""

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="results")
    trigger = models.CharField(max_length=60)
    matched = models.PositiveIntegerField(default=0)
    fired = models.PositiveIntegerField(default=0)
    refreshed = models.PositiveIntegerField(default=0)
    cleared = models.PositiveIntegerField(default=0)
    duration_s = models.FloatField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["trigger"]
        constraints = [
            models.UniqueConstraint(
                fields=["scan", "trigger"], name="one_result_per_scan_and_trigger"
            ),
        ]
        indexes = [
            models.Index(fields=["trigger"], condition=~Q(error=""), name="result_with_error"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.fired} fired, {self.cleared} cleared"


class Reading(models.Model):
    """What one activity says, as far as it can be told from its words (``reading.words.Heard``).

    ``transaction_id`` orders rows by transaction: a reading counts as a change of its activity. An activity
    without a row says nothing of the kind; a row of one that is gone does nobody harm.
    """

    activity_id = models.BigIntegerField(primary_key=True)
    promised_on = models.DateField(null=True)
    tells_of_step = models.BooleanField(default=False)
    asks_to_buy = models.BooleanField(default=False)
    means_to_leave = models.BooleanField(default=False)
    asks_to_wait = models.BooleanField(default=False)
    needs_no_answer = models.BooleanField(default=False)
    transaction_id = models.BigIntegerField(db_default=CURRENT_TRANSACTION, editable=False)

    class Meta:
        ordering = ["activity_id"]
        indexes = [
            # promise_due: the days that have come.
            models.Index(
                fields=["promised_on"],
                condition=Q(promised_on__isnull=False),
                name="reading_promised",
            ),
            models.Index(fields=["transaction_id"], name="reading_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"What activity {self.activity_id} says"


class ReadingCursor(models.Model):
    """Up to where the change log has been read for what activities say, and by which rules: one row a tenant.

    What transactions before ``transaction_id`` wrote has been read.
    """

    transaction_id = models.BigIntegerField(default=0)
    rules = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"before transaction {self.transaction_id}"


class ReplayRun(Work):
    """One question to a trigger about the days behind us, how far its answer has come, and the answer.

    ``parameters`` are those asked about, complete; ``present_parameters`` the tenant's own at that time.
    ``counts_all`` says whether every record was counted or only those that ``requested_by`` could see.
    ``result`` is a ``replay.schemas.ReplayResult``.
    """

    trigger = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict)
    present_parameters = models.JSONField(default=dict)
    days = models.PositiveSmallIntegerField()
    counts_all = models.BooleanField(default=False)
    result = models.JSONField(null=True)

    objects = ReplayRunQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WorkStatus.values), name="replay_status_is_known"
            ),
            models.UniqueConstraint(
                fields=["trigger"],
                condition=Q(status__in=WorkStatus.unfinished_values()),
                name="one_unfinished_replay_per_trigger",
            ),
        ]
        indexes = [models.Index(fields=["trigger", "-id"], name="replay_by_trigger")]

    def __str__(self) -> str:
        return f"Replay {self.pk} of {self.trigger} over {self.days} days"

    def get_absolute_url(self) -> str:
        """The replay's page."""
        return reverse("triggers:replay_detail", args=[self.trigger, self.pk])
