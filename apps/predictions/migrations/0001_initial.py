import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0001_initial"),
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScoringCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "prediction",
                    models.CharField(
                        choices=[
                            ("lead_conversion", "Lead conversion"),
                            ("deal_close", "Deal close"),
                            ("contact_engagement", "Contact engagement"),
                            ("renewal_risk", "Renewal risk"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "record_kind",
                    models.CharField(
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
                ("record_id", models.BigIntegerField()),
                ("score_0_1", models.FloatField()),
                ("model_version", models.CharField(max_length=60)),
                ("scored_at", models.DateTimeField()),
                ("is_latest", models.BooleanField(default=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=models.Func(
                            output_field=models.BigIntegerField(),
                            template="(pg_current_xact_id()::text::bigint)",
                        ),
                        editable=False,
                    ),
                ),
            ],
            options={
                "ordering": ["-scored_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_latest", True)),
                        fields=["prediction", "score_0_1"],
                        name="score_latest",
                    ),
                    models.Index(
                        fields=["prediction", "record_id", "-scored_at"], name="score_by_record"
                    ),
                    models.Index(fields=["prediction", "scored_at"], name="score_by_time"),
                    models.Index(fields=["transaction_id"], name="score_by_transaction"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_latest", True)),
                        fields=("prediction", "record_id"),
                        name="one_latest_score_per_prediction_and_record",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("score_0_1__gte", 0), ("score_0_1__lte", 1)),
                        name="score_is_between_0_and_1",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_latest", False), ("withdrawn_at", None), _connector="OR"
                        ),
                        name="withdrawn_score_is_not_the_latest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "prediction__in",
                                [
                                    "lead_conversion",
                                    "deal_close",
                                    "contact_engagement",
                                    "renewal_risk",
                                ],
                            )
                        ),
                        name="score_prediction_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Forecast",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "window",
                    models.CharField(
                        choices=[
                            ("this_month", "This month"),
                            ("next_month", "Next month"),
                            ("quarter", "This quarter"),
                        ],
                        max_length=20,
                    ),
                ),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("made_on", models.DateField()),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("p10", models.DecimalField(decimal_places=2, max_digits=16)),
                ("p50", models.DecimalField(decimal_places=2, max_digits=16)),
                ("p90", models.DecimalField(decimal_places=2, max_digits=16)),
                ("won_so_far", models.DecimalField(decimal_places=2, max_digits=16)),
                ("figures", models.JSONField()),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.team",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_on", "window", "id"],
                "indexes": [models.Index(fields=["made_on"], name="forecast_by_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("window", "currency", "team", "owner", "made_on"),
                        name="one_forecast_a_day",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("window__in", ["this_month", "next_month", "quarter"])),
                        name="forecast_window_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("p10__lte", models.F("p50")), ("p50__lte", models.F("p90"))
                        ),
                        name="forecast_is_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("team", None), ("owner", None), _connector="OR"),
                        name="forecast_is_of_one_scope",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PredictionRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("succeeded", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Stopped"),
                            ("lost", "Cut off"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("is_cancel_requested", models.BooleanField(default=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "queued_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("steps_done", models.PositiveIntegerField(default=0)),
                ("steps_total", models.PositiveIntegerField(default=0)),
                (
                    "message",
                    models.TextField(blank=True, help_text="What came of it, or why nothing did."),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("training", "Training"),
                            ("scoring", "Scoring"),
                            ("forecast", "Forecast"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "prediction",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("lead_conversion", "Lead conversion"),
                            ("deal_close", "Deal close"),
                            ("contact_engagement", "Contact engagement"),
                            ("renewal_risk", "Renewal risk"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["kind", "prediction", "-id"], name="prediction_run_by_kind"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["queued", "running", "succeeded", "failed", "cancelled", "lost"],
                            )
                        ),
                        name="prediction_run_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["training", "scoring", "forecast"])),
                        name="prediction_run_kind_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("kind", "prediction"),
                        name="one_unfinished_run_per_prediction",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SalesTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "months",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Month"), (3, "Quarter")], default=3
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=16)),
                ("currency", models.CharField(max_length=3)),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.team",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_on", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("starts_on", "months", "currency", "team", "owner"),
                        name="one_target_a_period",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="target_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("team", None), ("owner", None), _connector="OR"),
                        name="target_is_of_one_scope",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrainedModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "prediction",
                    models.CharField(
                        choices=[
                            ("lead_conversion", "Lead conversion"),
                            ("deal_close", "Deal close"),
                            ("contact_engagement", "Contact engagement"),
                            ("renewal_risk", "Renewal risk"),
                        ],
                        max_length=30,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("serving", "In service"),
                            ("former", "Replaced"),
                            ("waiting", "Waits: a manager has chosen another"),
                            ("unproven", "No better than the base rate"),
                            ("withdrawn", "Taken out of service"),
                        ],
                        max_length=20,
                    ),
                ),
                ("state_reason", models.TextField(blank=True)),
                ("is_pinned", models.BooleanField(default=False)),
                (
                    "rung",
                    models.CharField(
                        choices=[
                            ("base_rate", "Base rate"),
                            ("frequencies", "Shrunken frequencies"),
                            ("logistic", "Logistic regression"),
                            ("boosting", "Boosting"),
                        ],
                        max_length=20,
                    ),
                ),
                ("outcomes", models.PositiveIntegerField()),
                ("base_rate_0_1", models.FloatField()),
                (
                    "trained_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("served_from", models.DateTimeField(null=True)),
                ("served_until", models.DateTimeField(null=True)),
                ("card", models.JSONField()),
                ("drift", models.JSONField(null=True)),
                ("document", models.BinaryField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "pinned_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["prediction", "-number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("prediction", "number"), name="one_model_per_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "serving")),
                        fields=("prediction",),
                        name="one_model_serves_each_prediction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["serving", "former", "waiting", "unproven", "withdrawn"])
                        ),
                        name="model_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rung__in", ["base_rate", "frequencies", "logistic", "boosting"])
                        ),
                        name="model_rung_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_pinned", False), ("state", "serving"), _connector="OR"
                        ),
                        name="a_pinned_model_serves",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("succeeded", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Stopped"),
                            ("lost", "Cut off"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("is_cancel_requested", models.BooleanField(default=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "queued_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("steps_done", models.PositiveIntegerField(default=0)),
                ("steps_total", models.PositiveIntegerField(default=0)),
                (
                    "message",
                    models.TextField(blank=True, help_text="What came of it, or why nothing did."),
                ),
                ("file_name", models.CharField(max_length=200)),
                ("stored_path", models.CharField(blank=True, max_length=300)),
                ("question", models.JSONField(default=dict)),
                ("result", models.JSONField(null=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["queued", "running", "succeeded", "failed", "cancelled", "lost"],
                            )
                        ),
                        name="trial_status_is_known",
                    )
                ],
            },
        ),
    ]
