"""Realtime voice: its settings, who asked for tokens, sessions, calls of tools, and telemetry."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.assistant.models import Conversation
from apps.audit.enums import Origin
from apps.crm.enums import RecordKind
from apps.realtime.enums import (
    Direction,
    EndReason,
    GateState,
    SessionState,
    TokenOutcome,
    ToolCallStatus,
)
from apps.suggestions.models import Suggestion

ONLY_ROW = 1


class RealtimeSettings(models.Model):
    """How a tenant talks: with which model and voice, within which bounds. One row, or none: the defaults.

    An empty ``model`` stands for the operator's. Limits are of one session; ``month_limit_usd`` is of all of
    a calendar month. Without ``keeps_texts`` what was said never leaves the browser with the telemetry.
    """

    model = models.CharField(max_length=100, blank=True)
    voice = models.CharField(max_length=40, default="marin")
    longest_session_min = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    longest_idle_s = models.PositiveSmallIntegerField(
        default=120, validators=[MinValueValidator(15), MaxValueValidator(900)]
    )
    session_limit_usd = models.DecimalField(
        max_digits=8, decimal_places=2, default=Decimal(2), validators=[MinValueValidator(0)]
    )
    month_limit_usd = models.DecimalField(
        max_digits=10, decimal_places=2, default=Decimal(50), validators=[MinValueValidator(0)]
    )
    keeps_texts = models.BooleanField(default=False, verbose_name="Keep what was said in telemetry")
    telemetry_days = models.PositiveSmallIntegerField(
        default=14, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )
    # Never fewer than telemetry is kept for, nor than a month has, whose costs are added up.
    session_days = models.PositiveSmallIntegerField(
        default=365, validators=[MinValueValidator(100), MaxValueValidator(1_095)]
    )
    revision = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name_plural = "realtime settings"
        constraints = [
            models.CheckConstraint(condition=Q(id=ONLY_ROW), name="one_row_of_realtime_settings"),
        ]

    def __str__(self) -> str:
        return self.model or "the operator's model"


class Session(models.Model):
    """One connection of a person to the provider, from its token on.

    ``origin`` is where it was begun, which is always a call; ``origins`` are those of what was said in it.
    ``cost_usd`` and the tokens are what the browser told of the provider's usage events. A session whose
    connection was lost goes on when it is back within the grace period.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="realtime_sessions"
    )
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="realtime_sessions"
    )
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.REALTIME)
    origins = models.JSONField(
        default=list, help_text="How the person has said something in it: typed, spoken, or both."
    )
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices, blank=True)
    record_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(
        max_length=20, choices=SessionState.choices, default=SessionState.ISSUED
    )
    model = models.CharField(max_length=100)
    voice = models.CharField(max_length=40)
    is_stand_in = models.BooleanField(default=False)
    provider_calls = models.JSONField(
        default=list, help_text="The provider's ids of its connections, as the browser told them."
    )
    is_hang_up_due = models.BooleanField(
        default=False, help_text="It has ended here, and perhaps not at the provider."
    )

    issued_at = models.DateTimeField()
    secret_expires_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()
    last_word_at = models.DateTimeField(null=True, help_text="When somebody last said anything.")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=20, choices=EndReason.choices, blank=True)

    text_tokens_in = models.PositiveIntegerField(default=0)
    audio_tokens_in = models.PositiveIntegerField(default=0)
    cached_tokens_in = models.PositiveIntegerField(default=0)
    text_tokens_out = models.PositiveIntegerField(default=0)
    audio_tokens_out = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    tool_calls_count = models.PositiveIntegerField(default=0)
    drops_count = models.PositiveIntegerField(default=0)
    reconnects_count = models.PositiveIntegerField(default=0)
    events_count = models.PositiveIntegerField(default=0)
    events_left_out = models.PositiveIntegerField(
        default=0, help_text="Events that the browser or the server left out under load."
    )

    class Meta:
        ordering = ["-issued_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ended") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="ended_session_has_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "id"], name="session_by_time"),
            models.Index(fields=["person", "-issued_at", "id"], name="session_of_person"),
            models.Index(
                fields=["last_seen_at"], condition=~Q(state="ended"), name="session_not_ended"
            ),
            models.Index(
                fields=["ended_at"], condition=Q(is_hang_up_due=True), name="session_to_hang_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.issued_at):%Y-%m-%d %H:%M} {self.model}"


class TokenRequest(models.Model):
    """One request for a token, granted or refused. Never a key, never a secret.

    ``latency_ms`` is ours and the provider's, ``provider_ms`` the provider's alone.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="realtime_token_requests",
    )
    session = models.ForeignKey(
        Session, null=True, on_delete=models.SET_NULL, related_name="token_requests"
    )
    asked_at = models.DateTimeField()
    gate = models.CharField(max_length=20, choices=GateState.choices)
    outcome = models.CharField(max_length=30, choices=TokenOutcome.choices)
    status = models.PositiveSmallIntegerField()
    latency_ms = models.PositiveIntegerField()
    provider_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["asked_at"], name="token_request_by_time")]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.asked_at):%Y-%m-%d %H:%M} {self.outcome}"


class ToolCall(models.Model):
    """A call of a tool that came over the bridge; the same call, told twice, has one answer."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tool_calls")
    call_id = models.CharField(max_length=100)
    tool = models.CharField(
        max_length=60, blank=True, help_text="Empty for a name that is none of ours."
    )
    status = models.CharField(max_length=20, choices=ToolCallStatus.choices)
    code = models.CharField(max_length=60, blank=True)
    answer = models.JSONField(default=dict, help_text="Kept for a day.")
    records = models.JSONField(
        default=list, help_text="The records that its answer told of, such as “lead:7”."
    )
    suggestion = models.ForeignKey(
        Suggestion, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    called_at = models.DateTimeField()
    latency_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "call_id"], name="one_answer_per_tool_call"),
        ]
        indexes = [
            models.Index(
                fields=["called_at"], condition=~Q(answer={}), name="tool_call_with_answer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool or 'unknown tool'} {self.status}"


class TelemetryEvent(models.Model):
    """One event of a connection, as the browser saw it (``schemas.EventIn``, version ``v``).

    ``at_ms`` is the browser's monotonic clock since the session's token; ``received_at`` the server's.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="events")
    event_id = models.UUIDField()
    v = models.PositiveSmallIntegerField()
    at_ms = models.FloatField()
    received_at = models.DateTimeField()
    direction = models.CharField(max_length=5, choices=Direction.choices)
    type = models.CharField(max_length=80)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    turn = models.PositiveIntegerField(null=True)
    size_bytes = models.PositiveIntegerField(default=0)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["session", "at_ms", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "event_id"], name="one_row_per_telemetry_event"
            ),
        ]
        indexes = [
            models.Index(fields=["session", "at_ms", "id"], name="telemetry_of_session"),
            models.Index(fields=["received_at"], name="telemetry_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} at {self.at_ms:.0f} ms"
