import django.contrib.postgres.fields
import django.contrib.postgres.indexes
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
            name="MatchCursor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[("person", "People"), ("company", "Companies")],
                        max_length=20,
                        unique=True,
                    ),
                ),
                ("transaction_id", models.BigIntegerField()),
                (
                    "keys_edition",
                    models.PositiveSmallIntegerField(
                        db_default=1,
                        default=2,
                        help_text="With which edition of keys all records were looked at.",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Matcher",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[("person", "People"), ("company", "Companies")], max_length=20
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("record_count", models.PositiveIntegerField(default=0)),
                ("most_per_key", models.PositiveIntegerField()),
                ("is_current", models.BooleanField(default=True)),
                (
                    "estimated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ["subject", "-number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subject", "number"), name="one_matcher_per_subject_and_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("subject",),
                        name="one_current_matcher",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecordKeys",
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
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
            ],
            options={
                "ordering": ["record_kind", "record_id"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["keys"], name="record_by_key"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("record_kind", "record_id"), name="one_row_of_keys_per_record"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MatchRun",
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
                            ("full", "Everything, with weights estimated anew"),
                            ("changes", "What changed"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[("person", "People"), ("company", "Companies")], max_length=20
                    ),
                ),
                (
                    "stage",
                    models.CharField(blank=True, help_text="What it is doing now.", max_length=60),
                ),
                ("records_compared", models.PositiveIntegerField(default=0)),
                ("pairs_found", models.PositiveIntegerField(default=0)),
                ("pairs_gone", models.PositiveIntegerField(default=0)),
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
                        name="match_run_status_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("kind", "subject"),
                        name="one_unfinished_match_run",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[("person", "People"), ("company", "Companies")], max_length=20
                    ),
                ),
                (
                    "survivor_kind",
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
                ("survivor_id", models.BigIntegerField()),
                (
                    "duplicate_kind",
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
                ("duplicate_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=80, unique=True)),
                ("probability", models.FloatField()),
                (
                    "is_likely",
                    models.BooleanField(
                        default=False,
                        help_text="At or above the matcher's threshold, and nothing stands against it.",
                    ),
                ),
                (
                    "has_conflict",
                    models.BooleanField(
                        default=False,
                        help_text="Both were answered from addresses of their own within the last year.",
                    ),
                ),
                ("weights", models.JSONField(default=dict)),
                ("cluster", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "To be looked at"),
                            ("not_duplicate", "Not a duplicate"),
                            ("merged", "Merged"),
                            ("gone", "No longer alike"),
                        ],
                        default="open",
                        max_length=20,
                    ),
                ),
                (
                    "found_by",
                    models.CharField(
                        choices=[
                            ("batch", "A look at everything"),
                            ("change", "A look at what changed"),
                            ("person", "A person"),
                        ],
                        max_length=20,
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("compared_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
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
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "follows",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="duplicates.pair",
                    ),
                ),
                (
                    "matcher",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="duplicates.matcher",
                    ),
                ),
            ],
            options={
                "ordering": ["-probability", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["subject", "-probability", "id"],
                        name="pair_open_by_probability",
                    ),
                    models.Index(fields=["survivor_kind", "survivor_id"], name="pair_by_survivor"),
                    models.Index(
                        fields=["duplicate_kind", "duplicate_id"], name="pair_by_duplicate"
                    ),
                    models.Index(
                        condition=models.Q(("state", "not_duplicate")),
                        fields=["subject"],
                        name="pair_not_duplicate",
                    ),
                    models.Index(fields=["cluster"], name="pair_by_cluster"),
                    models.Index(fields=["transaction_id"], name="pair_by_transaction"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("probability__gte", 0), ("probability__lte", 1)),
                        name="pair_probability_is_between_0_and_1",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["open", "not_duplicate", "merged", "gone"])
                        ),
                        name="pair_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("survivor_id", models.F("duplicate_id")),
                            ("survivor_kind", models.F("duplicate_kind")),
                            _negated=True,
                        ),
                        name="pair_is_of_two_records",
                    ),
                ],
            },
        ),
    ]
