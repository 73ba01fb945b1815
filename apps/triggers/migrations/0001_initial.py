import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReadingCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction_id", models.BigIntegerField(default=0)),
                ("rules", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="TriggerState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("trigger", models.CharField(max_length=60, unique=True)),
                ("cursor", models.BigIntegerField()),
                ("looked_at", models.DateTimeField()),
                ("epoch", models.CharField(max_length=64)),
                ("looked_fully_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["trigger"],
            },
        ),
        migrations.CreateModel(
            name="Baseline",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("trigger", models.CharField(max_length=60)),
                (
                    "version",
                    models.CharField(help_text="The day in the tenant's zone.", max_length=40),
                ),
                ("values", models.JSONField(default=dict)),
                ("measured_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["trigger", "-version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trigger", "version"), name="one_baseline_per_trigger_and_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("activity_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("promised_on", models.DateField(null=True)),
                ("tells_of_step", models.BooleanField(default=False)),
                ("asks_to_buy", models.BooleanField(default=False)),
                ("means_to_leave", models.BooleanField(default=False)),
                ("asks_to_wait", models.BooleanField(default=False)),
                ("needs_no_answer", models.BooleanField(default=False)),
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
                "ordering": ["activity_id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("promised_on__isnull", False)),
                        fields=["promised_on"],
                        name="reading_promised",
                    ),
                    models.Index(fields=["transaction_id"], name="reading_by_transaction"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Scan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("full", "Daily"),
                            ("incremental", "What changed or came due"),
                            ("realtime", "As it happened"),
                            ("manual", "Manual"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Finished"),
                            ("failed", "Finished with errors"),
                            ("skipped", "Skipped: another scan was running"),
                            ("cancelled", "Stopped by a person"),
                            ("lost", "Stopped before its end"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                (
                    "triggers",
                    models.JSONField(default=list, help_text="The keys of the triggers to run."),
                ),
                (
                    "scope_kind",
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
                        db_default="",
                        default="",
                        help_text="Of which records; empty for everything.",
                        max_length=20,
                    ),
                ),
                (
                    "scope_ids",
                    models.JSONField(
                        blank=True, default=list, help_text="The ids of those records."
                    ),
                ),
                (
                    "scope_name",
                    models.CharField(blank=True, db_default="", default="", max_length=40),
                ),
                ("is_cancel_requested", models.BooleanField(db_default=False, default=False)),
                (
                    "stage",
                    models.CharField(blank=True, help_text="What it is doing now.", max_length=60),
                ),
                ("steps_done", models.PositiveSmallIntegerField(default=0)),
                ("steps_total", models.PositiveSmallIntegerField(default=0)),
                (
                    "queued_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("suggestions_created", models.PositiveIntegerField(default=0)),
                ("suggestions_refreshed", models.PositiveIntegerField(default=0)),
                ("suggestions_withdrawn", models.PositiveIntegerField(default=0)),
                ("held_back", models.PositiveIntegerField(default=0)),
                (
                    "signals_waiting",
                    models.PositiveIntegerField(
                        help_text="Signals whose suggestions are made as the queues drain; empty when none were to be made.",
                        null=True,
                    ),
                ),
                ("error", models.TextField(blank=True)),
                (
                    "awaits_pipeline",
                    models.BooleanField(
                        default=False, help_text="What follows a scan is still to be done after it."
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
                    models.Index(fields=["kind", "-id"], name="scan_by_kind"),
                    models.Index(
                        condition=models.Q(("status__in", ["failed", "lost"])),
                        fields=["-id"],
                        name="scan_gone_wrong",
                    ),
                    models.Index(
                        condition=models.Q(("awaits_pipeline", True)),
                        fields=["id"],
                        name="scan_awaiting_pipeline",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "queued",
                                    "running",
                                    "succeeded",
                                    "failed",
                                    "skipped",
                                    "cancelled",
                                    "lost",
                                ],
                            )
                        ),
                        name="scan_status_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScanTrigger",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("trigger", models.CharField(max_length=60)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("fired", models.PositiveIntegerField(default=0)),
                ("refreshed", models.PositiveIntegerField(default=0)),
                ("cleared", models.PositiveIntegerField(default=0)),
                ("duration_s", models.FloatField(default=0)),
                ("error", models.TextField(blank=True)),
                (
                    "scan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="triggers.scan",
                    ),
                ),
            ],
            options={
                "ordering": ["trigger"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("error", ""), _negated=True),
                        fields=["trigger"],
                        name="result_with_error",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("scan", "trigger"), name="one_result_per_scan_and_trigger"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("trigger", models.CharField(max_length=60)),
                (
                    "goal",
                    models.CharField(
                        choices=[
                            ("meet_lead", "Make first contact"),
                            ("revive_lead", "Revive the lead"),
                            ("act_on_interest", "Act on the interest"),
                            ("move_deal", "Get the deal moving"),
                            ("settle_close_date", "Settle the close date"),
                            ("widen_deal", "Bring in a second contact"),
                            ("keep_account", "Keep the account"),
                            ("plan_renewal", "Plan the renewal"),
                            ("answer_message", "Answer the message"),
                            ("reach_contact", "Reach the contact another way"),
                            ("look_into_change", "Look into the change"),
                            ("clear_task", "Settle the task"),
                            ("plan_next_step", "Plan the next step"),
                            ("identify_sender", "Take in the sender"),
                            ("correct_contact", "Correct the contact"),
                            ("merge_duplicates", "Merge the duplicates"),
                            ("as_asked", "As asked"),
                        ],
                        max_length=40,
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
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Can wait"), (2, "This week"), (3, "Today")]
                    ),
                ),
                ("facts", models.JSONField(default=dict)),
                ("parameters", models.JSONField(default=dict)),
                (
                    "fired_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "refreshed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("cleared_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-fired_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("cleared_at", None)),
                        fields=["record_kind", "record_id", "goal"],
                        name="signal_firing_by_record",
                    ),
                    models.Index(fields=["-fired_at", "-id"], name="signal_by_time"),
                    models.Index(fields=["trigger", "fired_at"], name="signal_fired_by_trigger"),
                    models.Index(
                        condition=models.Q(("cleared_at__isnull", False)),
                        fields=["trigger", "cleared_at"],
                        name="signal_cleared_by_trigger",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cleared_at", None)),
                        fields=("trigger", "record_id"),
                        name="one_firing_signal_per_trigger_and_record",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Silence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "goal",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("meet_lead", "Make first contact"),
                            ("revive_lead", "Revive the lead"),
                            ("act_on_interest", "Act on the interest"),
                            ("move_deal", "Get the deal moving"),
                            ("settle_close_date", "Settle the close date"),
                            ("widen_deal", "Bring in a second contact"),
                            ("keep_account", "Keep the account"),
                            ("plan_renewal", "Plan the renewal"),
                            ("answer_message", "Answer the message"),
                            ("reach_contact", "Reach the contact another way"),
                            ("look_into_change", "Look into the change"),
                            ("clear_task", "Settle the task"),
                            ("plan_next_step", "Plan the next step"),
                            ("identify_sender", "Take in the sender"),
                            ("correct_contact", "Correct the contact"),
                            ("merge_duplicates", "Merge the duplicates"),
                            ("as_asked", "As asked"),
                        ],
                        max_length=40,
                    ),
                ),
                ("trigger", models.CharField(blank=True, max_length=60)),
                ("tool", models.CharField(blank=True, max_length=60)),
                ("until", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["record_kind", "record_id", "until"], name="silence_by_record"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TriggerSetting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("trigger", models.CharField(max_length=60, unique=True)),
                ("is_enabled", models.BooleanField(default=True)),
                ("parameters", models.JSONField(blank=True, default=dict)),
                (
                    "revision",
                    models.PositiveIntegerField(default=0, help_text="Counts the changes."),
                ),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["trigger"],
            },
        ),
        migrations.CreateModel(
            name="ReplayRun",
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
                ("trigger", models.CharField(max_length=60)),
                ("parameters", models.JSONField(default=dict)),
                ("present_parameters", models.JSONField(default=dict)),
                ("days", models.PositiveSmallIntegerField()),
                ("counts_all", models.BooleanField(default=False)),
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
                "indexes": [models.Index(fields=["trigger", "-id"], name="replay_by_trigger")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["queued", "running", "succeeded", "failed", "cancelled", "lost"],
                            )
                        ),
                        name="replay_status_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("trigger",),
                        name="one_unfinished_replay_per_trigger",
                    ),
                ],
            },
        ),
    ]
