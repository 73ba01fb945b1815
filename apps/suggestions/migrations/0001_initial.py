import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("brain", "0001_initial"),
        ("execution", "0001_initial"),
        ("triggers", "0001_initial"),
        ("users", "0001_initial"),
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="DiscoveryLook",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="discovery_look",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("seen_until", models.DateTimeField(null=True)),
                ("looked_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="BulkApproval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tool", models.CharField(max_length=60)),
                ("requested_at", models.DateTimeField()),
                (
                    "finished_at",
                    models.DateTimeField(
                        help_text="When nothing of it waited any more.", null=True
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
                        max_length=20,
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["id"],
                        name="bulk_approval_unfinished",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DigestPreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("send_at", models.TimeField(blank=True, null=True)),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest_preference",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="DigestSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=False, verbose_name="Send digests")),
                ("send_at", models.TimeField(default=datetime.time(7, 30), verbose_name="At")),
                ("working_days_only", models.BooleanField(default=True)),
                ("revision", models.PositiveIntegerField(default=0)),
            ],
            options={
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_digest_schedule"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DigestSent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("local_day", models.DateField(verbose_name="Day")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("failed", "Not sent"),
                            ("nothing", "Nothing to tell"),
                            ("unknown", "Not known whether it arrived"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "is_manual",
                    models.BooleanField(default=False, help_text="By the person's own button."),
                ),
                (
                    "rows_count",
                    models.PositiveIntegerField(default=0, help_text="How many rows it tells of."),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=1)),
                ("error_code", models.CharField(blank=True, max_length=40)),
                ("claimed_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["local_day"], name="digest_by_day"),
                    models.Index(
                        condition=models.Q(("status", "sending")),
                        fields=["claimed_at"],
                        name="digest_being_sent",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "local_day"), name="one_digest_per_person_and_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["sending", "sent", "failed", "nothing", "unknown"])
                        ),
                        name="digest_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("status", "sending")),
                            models.Q(
                                models.Q(("status", "sending"), _negated=True),
                                ("finished_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="digest_is_finished_or_being_sent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LearningReset",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("tenant", "Everything"),
                            ("trigger", "A trigger"),
                            ("tool", "A tool"),
                            ("person", "A person"),
                        ],
                        max_length=10,
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=60)),
                ("reset_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reset_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
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
                            models.Q(("key", ""), ("person", None), ("scope", "tenant")),
                            models.Q(
                                ("person", None),
                                ("scope__in", ["trigger", "tool"]),
                                models.Q(("key", ""), _negated=True),
                            ),
                            models.Q(("key", ""), ("person__isnull", False), ("scope", "person")),
                            _connector="OR",
                        ),
                        name="learning_reset_names_its_scope",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NothingProposed",
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
                ("question", models.CharField(max_length=64)),
                ("hostile_codes", models.JSONField(default=list)),
                ("asked_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("record_kind", "record_id", "goal"),
                        name="one_nothing_proposed_per_record_and_goal",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
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
                        db_default="",
                        default="",
                        max_length=20,
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("query", models.CharField(blank=True, max_length=500)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "record_kind", "name"),
                        name="one_saved_view_per_list_and_name",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting"),
                            ("snoozed", "Snoozed"),
                            ("approved", "Approved"),
                            ("applied", "Applied"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                            ("superseded", "Superseded"),
                            ("undone", "Undone"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
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
                ("record_label", models.CharField(max_length=300)),
                ("tool", models.CharField(max_length=60)),
                ("arguments", models.JSONField()),
                ("proposed_arguments", models.JSONField(null=True)),
                ("edited_at", models.DateTimeField(null=True)),
                ("before_values", models.JSONField(default=dict)),
                ("guard_values", models.JSONField(default=dict)),
                (
                    "risk",
                    models.CharField(
                        choices=[("low", "Low risk"), ("high", "High risk")], max_length=10
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=500)),
                ("facts", models.JSONField(default=list)),
                ("evidence", models.JSONField(default=list)),
                (
                    "hostile_codes",
                    models.JSONField(
                        default=list,
                        help_text="What in its texts reads like instructions to an AI.",
                    ),
                ),
                ("trigger", models.CharField(blank=True, max_length=60)),
                (
                    "segment",
                    models.CharField(
                        choices=[
                            ("unknown", "no known value"),
                            ("small", "under 1,000"),
                            ("middle", "1,000 to 10,000"),
                            ("large", "10,000 to 100,000"),
                            ("huge", "100,000 and more"),
                        ],
                        default="unknown",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("value_at_stake", models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "urgency",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Can wait"), (2, "This week"), (3, "Today")]
                    ),
                ),
                (
                    "confidence",
                    models.FloatField(
                        help_text="Measured acceptance; empty until measured.", null=True
                    ),
                ),
                (
                    "confidence_n",
                    models.PositiveIntegerField(
                        default=0, help_text="Decisions behind the confidence."
                    ),
                ),
                (
                    "likelihood",
                    models.FloatField(
                        help_text="How probable the finding itself is, 0 to 1; empty where it says nothing of that.",
                        null=True,
                    ),
                ),
                ("rank", models.FloatField(default=0)),
                (
                    "held_back",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "In the queue"),
                            ("daily_cap", "Above the day's number for this person"),
                            ("quiet", "Such suggestions are hardly ever wanted"),
                        ],
                        default="daily_cap",
                        max_length=20,
                    ),
                ),
                (
                    "is_on_trial",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="In the queue to learn whether it is wanted: its kind is quiet, or new to its reader.",
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
                        max_length=20,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        choices=[("rules", "Built-in rules"), ("openai", "Language model")],
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("refreshed_at", models.DateTimeField()),
                (
                    "queued_at",
                    models.DateTimeField(
                        help_text="When it entered the person's queue.", null=True
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("snoozed_until_change_since", models.DateTimeField(null=True)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField(null=True)),
                ("closed_because", models.CharField(blank=True, max_length=200)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="suggestions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "brain_call",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="brain.braincall",
                    ),
                ),
                (
                    "edited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "execution",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="execution.execution",
                    ),
                ),
                (
                    "given_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "given_for",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-rank", "-id"],
                "permissions": [
                    ("decide_suggestion", "Can approve, reject and snooze suggestions")
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["pending", "failed"])),
                        fields=["assignee", "-rank", "-id"],
                        name="suggestion_queue_mine",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["pending", "failed"])),
                        fields=["-rank", "-id"],
                        name="suggestion_queue_all",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("state", "pending"), models.Q(("held_back", ""), _negated=True)
                        ),
                        fields=["assignee", "-rank", "-id"],
                        name="suggestion_held_back",
                    ),
                    models.Index(fields=["-rank", "-id"], name="suggestion_by_rank"),
                    models.Index(fields=["state", "-rank", "-id"], name="suggestion_by_state"),
                    models.Index(fields=["record_kind", "record_id"], name="suggestion_by_record"),
                    models.Index(fields=["assignee", "queued_at"], name="suggestion_by_day"),
                    models.Index(
                        condition=models.Q(("state__in", ["pending", "snoozed", "failed"])),
                        fields=["expires_at"],
                        name="suggestion_expiry",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "snoozed", "approved"]),
                            models.Q(("goal", "as_asked"), _negated=True),
                        ),
                        fields=("record_kind", "record_id", "goal"),
                        name="one_open_suggestion_per_record_and_goal",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("goal", "as_asked"), ("state__in", ["pending", "snoozed", "approved"])
                        ),
                        fields=("record_kind", "record_id", "tool", "assignee"),
                        name="one_open_asked_suggestion_per_record_tool_and_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "pending",
                                    "snoozed",
                                    "approved",
                                    "applied",
                                    "failed",
                                    "rejected",
                                    "withdrawn",
                                    "expired",
                                    "superseded",
                                    "undone",
                                ],
                            )
                        ),
                        name="suggestion_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "applied"), _negated=True),
                            models.Q(("applied_at__isnull", False), ("execution__isnull", False)),
                            _connector="OR",
                        ),
                        name="applied_suggestion_has_execution",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["approved", "applied", "failed", "rejected"]),
                                _negated=True,
                            ),
                            models.Q(
                                ("reviewed_at__isnull", False), ("reviewed_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="decided_suggestion_has_reviewer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("edited_at", None),
                                ("edited_by", None),
                                ("proposed_arguments", None),
                            ),
                            models.Q(
                                ("edited_at__isnull", False),
                                ("edited_by__isnull", False),
                                ("proposed_arguments__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="edited_suggestion_has_both_versions",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "snoozed"), _negated=True),
                            ("snoozed_until__isnull", False),
                            _connector="OR",
                        ),
                        name="snoozed_suggestion_has_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FollowedOutcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days")]
                    ),
                ),
                (
                    "decided_at",
                    models.DateTimeField(help_text="When the decision was made that is followed."),
                ),
                (
                    "is_applied",
                    models.BooleanField(help_text="Applied; otherwise rejected, for comparison."),
                ),
                ("answered", models.BooleanField(null=True)),
                ("moved", models.BooleanField(null=True)),
                ("done", models.BooleanField(null=True)),
                ("looked_at", models.DateTimeField()),
                (
                    "suggestion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="suggestions.suggestion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("suggestion", "days", "decided_at"),
                        name="one_outcome_per_decision_and_days",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("approve", "Approved"),
                            ("reject", "Rejected"),
                            ("snooze", "Snoozed"),
                            ("rebase", "Brought up to date"),
                            ("reopen", "Reopened"),
                            ("edit", "Edited"),
                            ("undo", "Undone"),
                            ("reassign", "Given to somebody"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_needed", "Not needed"),
                            ("already_done", "Already done"),
                            ("wrong_record", "Wrong person or deal"),
                            ("wrong_change", "Right idea, wrong change"),
                            ("bad_timing", "Bad timing"),
                            ("not_duplicate", "Not a duplicate"),
                        ],
                        max_length=30,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
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
                ("trigger", models.CharField(blank=True, max_length=60)),
                ("tool", models.CharField(max_length=60)),
                (
                    "segment",
                    models.CharField(
                        choices=[
                            ("unknown", "no known value"),
                            ("small", "under 1,000"),
                            ("middle", "1,000 to 10,000"),
                            ("large", "10,000 to 100,000"),
                            ("huge", "100,000 and more"),
                        ],
                        default="unknown",
                        max_length=20,
                    ),
                ),
                (
                    "is_edited",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="A person had changed its arguments.",
                    ),
                ),
                (
                    "confidence",
                    models.FloatField(
                        help_text="What was shown when it was decided; empty where nothing was.",
                        null=True,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "suggestion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="suggestions.suggestion",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["trigger", "tool", "segment", "verdict"], name="decision_by_kind"
                    ),
                    models.Index(fields=["decided_at"], name="decision_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("applied", "Applied"),
                            ("failed", "Not applied"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "code",
                    models.CharField(blank=True, help_text="Why not, for programs.", max_length=60),
                ),
                ("message", models.TextField(blank=True, help_text="Why not, for people.")),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "bulk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="suggestions.bulkapproval",
                    ),
                ),
                (
                    "suggestion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="suggestions.suggestion",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bulk", "suggestion"), name="one_item_per_bulk_and_suggestion"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["waiting", "applied", "failed"])),
                        name="bulk_outcome_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("done_at", None), ("outcome", "waiting")),
                            models.Q(
                                models.Q(("outcome", "waiting"), _negated=True),
                                ("done_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="bulk_item_is_done_or_waits",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SuggestionSignal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "signal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="triggers.signal",
                    ),
                ),
                (
                    "suggestion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="suggestions.suggestion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("suggestion", "signal"), name="one_link_per_suggestion_and_signal"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="suggestion",
            name="signals",
            field=models.ManyToManyField(
                related_name="suggestions",
                through="suggestions.SuggestionSignal",
                to="triggers.signal",
            ),
        ),
        migrations.CreateModel(
            name="WebhookCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction_id", models.BigIntegerField()),
                ("after_entry", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_webhook_cursor")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("url", models.CharField(max_length=500, verbose_name="Address")),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("suggestion.created", "Suggestion created"),
                                ("suggestion.approved", "Suggestion approved"),
                                ("suggestion.rejected", "Suggestion rejected"),
                                ("suggestion.snoozed", "Suggestion snoozed"),
                                ("suggestion.woken", "Suggestion back from snooze"),
                                ("suggestion.withdrawn", "Suggestion withdrawn"),
                                ("suggestion.expired", "Suggestion expired"),
                                ("suggestion.superseded", "Suggestion superseded"),
                                ("suggestion.reopened", "Suggestion reopened"),
                                ("suggestion.applied", "Suggestion applied"),
                                ("suggestion.failed", "Suggestion not applied"),
                                ("suggestion.undone", "Suggestion undone"),
                                ("execution.succeeded", "Change applied"),
                                ("execution.failed", "Change not applied"),
                                ("execution.undone", "Change undone"),
                            ],
                            max_length=40,
                        ),
                        size=None,
                    ),
                ),
                ("sealed_secret", models.TextField(editable=False)),
                ("sealed_former_secret", models.TextField(blank=True, editable=False)),
                ("former_secret_until", models.DateTimeField(editable=False, null=True)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="On")),
                (
                    "off_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "On"),
                            ("person", "Switched off"),
                            ("gone", "It answered that it is gone (410)"),
                            ("failing", "Nothing was taken for days"),
                        ],
                        max_length=10,
                    ),
                ),
                ("off_at", models.DateTimeField(null=True)),
                ("listens_since", models.DateTimeField()),
                ("failing_since", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True, verbose_name="Last delivered")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("revision", models.PositiveIntegerField(default=0)),
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
                "ordering": ["name", "id"],
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_enabled", True), ("off_at", None), ("off_because", "")),
                            models.Q(
                                ("is_enabled", False),
                                ("off_at__isnull", False),
                                models.Q(("off_because", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="webhook_is_on_or_says_why_not",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "entry_id",
                    models.BigIntegerField(
                        help_text="The entry of the audit log; none for a test.", null=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("suggestion.created", "Suggestion created"),
                            ("suggestion.approved", "Suggestion approved"),
                            ("suggestion.rejected", "Suggestion rejected"),
                            ("suggestion.snoozed", "Suggestion snoozed"),
                            ("suggestion.woken", "Suggestion back from snooze"),
                            ("suggestion.withdrawn", "Suggestion withdrawn"),
                            ("suggestion.expired", "Suggestion expired"),
                            ("suggestion.superseded", "Suggestion superseded"),
                            ("suggestion.reopened", "Suggestion reopened"),
                            ("suggestion.applied", "Suggestion applied"),
                            ("suggestion.failed", "Suggestion not applied"),
                            ("suggestion.undone", "Suggestion undone"),
                            ("execution.succeeded", "Change applied"),
                            ("execution.failed", "Change not applied"),
                            ("execution.undone", "Change undone"),
                            ("test", "Test"),
                        ],
                        max_length=40,
                    ),
                ),
                ("suggestion_id", models.BigIntegerField(null=True)),
                ("execution_id", models.BigIntegerField(null=True)),
                ("record_kind", models.CharField(blank=True, max_length=30)),
                ("record_id", models.BigIntegerField(null=True)),
                ("tool", models.CharField(blank=True, max_length=60)),
                ("occurred_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("delivered", "Delivered"),
                            ("dead", "Not delivered"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("last_attempt_at", models.DateTimeField(null=True)),
                (
                    "last_status",
                    models.PositiveSmallIntegerField(null=True, verbose_name="Last answer"),
                ),
                ("error_code", models.CharField(blank=True, max_length=40)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="suggestions.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-id"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")),
                        fields=["endpoint", "next_attempt_at", "id"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "dead")),
                        fields=["endpoint", "-id"],
                        name="delivery_dead",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["finished_at"],
                        name="delivery_finished",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("endpoint", "entry_id", "kind"),
                        name="one_delivery_per_endpoint_and_event",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["queued", "delivered", "dead"])),
                        name="delivery_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at", None),
                                ("next_attempt_at__isnull", False),
                                ("state", "queued"),
                            ),
                            models.Q(
                                models.Q(("state", "queued"), _negated=True),
                                ("finished_at__isnull", False),
                                ("next_attempt_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_is_queued_or_finished",
                    ),
                ],
            },
        ),
    ]
