from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BudgetMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins_on", models.DateField(unique=True)),
                ("tokens_reserved", models.BigIntegerField(default=0)),
                ("tokens_spent", models.BigIntegerField(default=0)),
                (
                    "usd_reserved",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
                ),
                (
                    "usd_spent",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=14),
                ),
                ("soft_limit_told_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-begins_on"],
            },
        ),
        migrations.CreateModel(
            name="BrainCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "called_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "provider",
                    models.CharField(
                        choices=[("rules", "Built-in rules"), ("openai", "Language model")],
                        max_length=20,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("read_only", "Read only"),
                            ("propose_actions", "Propose actions"),
                        ],
                        max_length=20,
                    ),
                ),
                ("prompt_version", models.CharField(max_length=40)),
                ("prompt_hash", models.CharField(max_length=64)),
                ("tasks_count", models.PositiveIntegerField()),
                ("proposals_count", models.PositiveIntegerField()),
                ("latency_ms", models.PositiveIntegerField()),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="Empty for the built-in rules.", max_length=100
                    ),
                ),
                ("tokens_in", models.PositiveIntegerField(default=0)),
                ("tokens_cached", models.PositiveIntegerField(default=0)),
                ("tokens_out", models.PositiveIntegerField(default=0)),
                (
                    "cost_usd",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=12),
                ),
                ("retries", models.PositiveSmallIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("answered", "Answered"),
                            ("refused", "Refused"),
                            ("unusable", "Unusable answer"),
                            ("failed", "Failed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                (
                    "fell_back_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_key", "no key is set for the language model"),
                            ("no_model", "no language model is named in the settings"),
                            (
                                "no_price",
                                "the price of the language model is not known, so its cost cannot be kept to",
                            ),
                            (
                                "address_refused",
                                "the address of the language model is unknown or not allowed",
                            ),
                            ("budget_spent", "this month's budget is spent"),
                            (
                                "resting",
                                "the language model has failed several times and is left alone for a while",
                            ),
                            ("busy", "too many other questions were being asked"),
                            ("call_failed", "the language model did not answer"),
                            ("refused", "the language model refused to answer"),
                            ("unusable", "the language model's answer could not be used"),
                            (
                                "did_not_hold",
                                "the language model's proposal did not hold against the facts",
                            ),
                            (
                                "label_withheld",
                                "the record's name reads like instructions to an AI",
                            ),
                            ("no_end", "the language model read on and on and came to no answer"),
                        ],
                        max_length=20,
                    ),
                ),
                ("dropped_code", models.CharField(blank=True, max_length=40)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["called_at"], name="brain_call_by_day")],
            },
        ),
        migrations.CreateModel(
            name="BrainSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        choices=[("rules", "Built-in rules"), ("openai", "Language model")],
                        default="rules",
                        max_length=20,
                        verbose_name="Written by",
                    ),
                ),
                ("base_url", models.URLField(blank=True, max_length=300, verbose_name="Address")),
                ("model", models.CharField(blank=True, max_length=100)),
                ("sealed_key", models.TextField(blank=True, editable=False)),
                ("key_ends_in", models.CharField(blank=True, editable=False, max_length=4)),
                (
                    "tone",
                    models.CharField(
                        choices=[
                            ("plain", "Plain"),
                            ("friendly", "Friendly"),
                            ("formal", "Formal"),
                        ],
                        default="plain",
                        max_length=20,
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[
                            ("English", "English"),
                            ("French", "French"),
                            ("German", "German"),
                            ("Italian", "Italian"),
                            ("Portuguese", "Portuguese"),
                            ("Spanish", "Spanish"),
                        ],
                        default="English",
                        max_length=20,
                    ),
                ),
                (
                    "connect_timeout_s",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(30),
                        ],
                    ),
                ),
                (
                    "read_timeout_s",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(120),
                        ],
                    ),
                ),
                (
                    "most_retries",
                    models.PositiveSmallIntegerField(
                        default=2,
                        validators=[django.core.validators.MaxValueValidator(5)],
                        verbose_name="Retries",
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveSmallIntegerField(
                        default=8,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(64),
                        ],
                    ),
                ),
                (
                    "soft_limit_usd",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("20"),
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "hard_limit_usd",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("50"),
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "soft_limit_tokens",
                    models.BigIntegerField(
                        default=20000000, validators=[django.core.validators.MinValueValidator(0)]
                    ),
                ),
                (
                    "hard_limit_tokens",
                    models.BigIntegerField(
                        default=50000000, validators=[django.core.validators.MinValueValidator(0)]
                    ),
                ),
                (
                    "input_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        max_digits=10,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cached_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        max_digits=10,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "output_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        max_digits=10,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "captures_text",
                    models.BooleanField(default=False, verbose_name="Keep prompts and answers"),
                ),
                (
                    "capture_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name_plural": "brain settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_row_of_brain_settings"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("soft_limit_usd__lte", models.F("hard_limit_usd")),
                            ("soft_limit_tokens__lte", models.F("hard_limit_tokens")),
                        ),
                        name="brain_soft_limit_is_below_hard",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("cached_usd", None), ("input_usd", None), ("output_usd", None)
                            ),
                            models.Q(
                                ("cached_usd__isnull", False),
                                ("input_usd__isnull", False),
                                ("output_usd__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="brain_own_price_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("rests_until", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "fell_back_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_key", "no key is set for the language model"),
                            ("no_model", "no language model is named in the settings"),
                            (
                                "no_price",
                                "the price of the language model is not known, so its cost cannot be kept to",
                            ),
                            (
                                "address_refused",
                                "the address of the language model is unknown or not allowed",
                            ),
                            ("budget_spent", "this month's budget is spent"),
                            (
                                "resting",
                                "the language model has failed several times and is left alone for a while",
                            ),
                            ("busy", "too many other questions were being asked"),
                            ("call_failed", "the language model did not answer"),
                            ("refused", "the language model refused to answer"),
                            ("unusable", "the language model's answer could not be used"),
                            (
                                "did_not_hold",
                                "the language model's proposal did not hold against the facts",
                            ),
                            (
                                "label_withheld",
                                "the record's name reads like instructions to an AI",
                            ),
                            ("no_end", "the language model read on and on and came to no answer"),
                        ],
                        max_length=20,
                    ),
                ),
                ("fell_back_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_row_of_provider_state"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BudgetReservation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tokens", models.BigIntegerField()),
                ("usd", models.DecimalField(decimal_places=6, max_digits=14)),
                ("made_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                ("is_lost", models.BooleanField(default=False)),
                (
                    "month",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reservations",
                        to="brain.budgetmonth",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at", None)),
                        fields=["made_at"],
                        name="brain_reservation_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CapturedText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prompt", models.TextField()),
                ("answer", models.TextField(blank=True)),
                (
                    "captured_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="captured",
                        to="brain.braincall",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["captured_at"], name="brain_captured_at")],
            },
        ),
    ]
