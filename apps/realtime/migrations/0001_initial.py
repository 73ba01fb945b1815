import uuid
from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("assistant", "0001_initial"),
        ("suggestions", "0001_initial"),
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="RealtimeSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=100)),
                ("voice", models.CharField(default="marin", max_length=40)),
                (
                    "longest_session_min",
                    models.PositiveSmallIntegerField(
                        default=15,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                    ),
                ),
                (
                    "longest_idle_s",
                    models.PositiveSmallIntegerField(
                        default=120,
                        validators=[
                            django.core.validators.MinValueValidator(15),
                            django.core.validators.MaxValueValidator(900),
                        ],
                    ),
                ),
                (
                    "session_limit_usd",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("2"),
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "month_limit_usd",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("50"),
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "keeps_texts",
                    models.BooleanField(
                        default=False, verbose_name="Keep what was said in telemetry"
                    ),
                ),
                (
                    "telemetry_days",
                    models.PositiveSmallIntegerField(
                        default=14,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name_plural": "realtime settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_row_of_realtime_settings"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("trigger", "Trigger"),
                            ("typed", "Typed"),
                            ("voice", "Voice"),
                            ("realtime", "Realtime voice"),
                            ("api", "API"),
                            ("person", "Person"),
                        ],
                        default="realtime",
                        max_length=20,
                    ),
                ),
                (
                    "record_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("lead", "Lead"),
                            ("contact", "Contact"),
                            ("account", "Account"),
                            ("opportunity", "Deal"),
                            ("activity", "Activity"),
                            ("task", "Task"),
                            ("contract", "Contract"),
                            ("product", "Product"),
                            ("draft", "E-mail draft"),
                        ],
                        max_length=20,
                    ),
                ),
                ("record_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("issued", "Token issued"),
                            ("open", "Open"),
                            ("lost", "Connection lost"),
                            ("ended", "Ended"),
                        ],
                        default="issued",
                        max_length=20,
                    ),
                ),
                ("model", models.CharField(max_length=100)),
                ("voice", models.CharField(max_length=40)),
                ("is_stand_in", models.BooleanField(default=False)),
                (
                    "provider_calls",
                    models.JSONField(
                        default=list,
                        help_text="The provider's ids of its connections, as the browser told them.",
                    ),
                ),
                (
                    "is_hang_up_due",
                    models.BooleanField(
                        default=False,
                        help_text="It has ended here, and perhaps not at the provider.",
                    ),
                ),
                ("issued_at", models.DateTimeField()),
                ("secret_expires_at", models.DateTimeField()),
                ("began_at", models.DateTimeField(null=True)),
                ("last_seen_at", models.DateTimeField()),
                (
                    "last_word_at",
                    models.DateTimeField(help_text="When somebody last said anything.", null=True),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("hung_up", "Hung up"),
                            ("length_limit", "Longest length reached"),
                            ("idle_limit", "Nobody said anything"),
                            ("cost_limit", "Cost limit reached"),
                            ("connection_lost", "Connection lost"),
                            ("never_connected", "Never connected"),
                            ("provider", "Ended by the provider"),
                            ("revoked", "No longer allowed"),
                            ("failed", "Failed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("text_tokens_in", models.PositiveIntegerField(default=0)),
                ("audio_tokens_in", models.PositiveIntegerField(default=0)),
                ("cached_tokens_in", models.PositiveIntegerField(default=0)),
                ("text_tokens_out", models.PositiveIntegerField(default=0)),
                ("audio_tokens_out", models.PositiveIntegerField(default=0)),
                (
                    "cost_usd",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=12),
                ),
                ("tool_calls_count", models.PositiveIntegerField(default=0)),
                ("drops_count", models.PositiveIntegerField(default=0)),
                ("reconnects_count", models.PositiveIntegerField(default=0)),
                ("events_count", models.PositiveIntegerField(default=0)),
                (
                    "events_left_out",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Events that the browser or the server left out under load.",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="realtime_sessions",
                        to="assistant.conversation",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="realtime_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-issued_at", "id"],
                "indexes": [
                    models.Index(fields=["-issued_at", "id"], name="session_by_time"),
                    models.Index(fields=["person", "-issued_at", "id"], name="session_of_person"),
                    models.Index(
                        condition=models.Q(("state", "ended"), _negated=True),
                        fields=["last_seen_at"],
                        name="session_not_ended",
                    ),
                    models.Index(
                        condition=models.Q(("is_hang_up_due", True)),
                        fields=["ended_at"],
                        name="session_to_hang_up",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ended"), _negated=True),
                            models.Q(
                                ("ended_at__isnull", False),
                                models.Q(("end_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="ended_session_has_reason",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TelemetryEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("v", models.PositiveSmallIntegerField()),
                ("at_ms", models.FloatField()),
                ("received_at", models.DateTimeField()),
                (
                    "direction",
                    models.CharField(
                        choices=[
                            ("in", "From the provider"),
                            ("out", "To the provider"),
                            ("local", "In the browser"),
                        ],
                        max_length=5,
                    ),
                ),
                ("type", models.CharField(max_length=80)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("trigger", "Trigger"),
                            ("typed", "Typed"),
                            ("voice", "Voice"),
                            ("realtime", "Realtime voice"),
                            ("api", "API"),
                            ("person", "Person"),
                        ],
                        max_length=20,
                    ),
                ),
                ("turn", models.PositiveIntegerField(null=True)),
                ("size_bytes", models.PositiveIntegerField(default=0)),
                ("data", models.JSONField(default=dict)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="realtime.session",
                    ),
                ),
            ],
            options={
                "ordering": ["session", "at_ms", "id"],
                "indexes": [
                    models.Index(fields=["session", "at_ms", "id"], name="telemetry_of_session"),
                    models.Index(fields=["received_at"], name="telemetry_by_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "event_id"), name="one_row_per_telemetry_event"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                (
                    "gate",
                    models.CharField(
                        choices=[("on", "On"), ("off", "Off"), ("not_asked", "Not asked")],
                        max_length=20,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("issued", "Issued"),
                            ("not_authenticated", "Not signed in"),
                            ("module_off", "Realtime voice is off"),
                            ("permission_denied", "Not for this person"),
                            ("no_key", "No key is set"),
                            ("throttled", "Too many requests"),
                            ("cost_limit", "The month's limit is reached"),
                            ("invalid", "The request was not as it should be"),
                            ("provider_auth", "The provider refused the key"),
                            ("provider_quota", "The provider's quota is used up"),
                            ("provider_down", "The provider does not answer"),
                            ("provider_slow", "The provider took too long"),
                            ("provider_invalid", "The provider's answer holds no secret"),
                        ],
                        max_length=30,
                    ),
                ),
                ("status", models.PositiveSmallIntegerField()),
                ("latency_ms", models.PositiveIntegerField()),
                ("provider_ms", models.PositiveIntegerField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="realtime_token_requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="token_requests",
                        to="realtime.session",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["asked_at"], name="token_request_by_time")],
            },
        ),
        migrations.CreateModel(
            name="ToolCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("call_id", models.CharField(max_length=100)),
                (
                    "tool",
                    models.CharField(
                        blank=True,
                        help_text="Empty for a name that is none of ours.",
                        max_length=60,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("answered", "Answered"),
                            ("proposed", "Proposed"),
                            ("refused", "Refused"),
                        ],
                        max_length=20,
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=60)),
                ("answer", models.JSONField(default=dict, help_text="Kept for a day.")),
                ("called_at", models.DateTimeField()),
                ("latency_ms", models.PositiveIntegerField()),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tool_calls",
                        to="realtime.session",
                    ),
                ),
                (
                    "suggestion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="suggestions.suggestion",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("answer", {}), _negated=True),
                        fields=["called_at"],
                        name="tool_call_with_answer",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "call_id"), name="one_answer_per_tool_call"
                    )
                ],
            },
        ),
    ]
