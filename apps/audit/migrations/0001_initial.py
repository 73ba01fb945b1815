import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("format", models.PositiveSmallIntegerField()),
                ("cluster", models.BigIntegerField(help_text="PostgreSQL's system identifier.")),
                ("after_entry", models.BigIntegerField()),
                ("from_transaction", models.BigIntegerField()),
                ("from_entry", models.BigIntegerField()),
                ("to_transaction", models.BigIntegerField()),
                ("to_entry", models.BigIntegerField()),
                (
                    "highest_entry",
                    models.BigIntegerField(help_text="The highest id in this seal or one before."),
                ),
                (
                    "entry_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("entry_digests", models.BinaryField()),
                ("sealed_at", models.DateTimeField()),
                ("previous_hash", models.CharField(blank=True, max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "occurred_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("signal.fired", "Signals fired"),
                            ("signal.cleared", "Signals cleared"),
                            ("scan.started", "Scan started"),
                            ("scan.finished", "Scan finished"),
                            ("suggestion.created", "Suggestion created"),
                            ("suggestion.refreshed", "Suggestion refreshed"),
                            ("suggestion.shown", "Suggestion shown"),
                            ("suggestion.edited", "Suggestion edited"),
                            ("suggestion.approved", "Suggestion approved"),
                            ("suggestion.rejected", "Suggestion rejected"),
                            ("suggestion.snoozed", "Suggestion snoozed"),
                            ("suggestion.woken", "Suggestion back from snooze"),
                            ("suggestion.withdrawn", "Suggestion withdrawn"),
                            ("suggestion.expired", "Suggestion expired"),
                            ("suggestion.superseded", "Suggestion superseded"),
                            ("suggestion.reassigned", "Suggestion given to somebody"),
                            ("suggestion.reopened", "Suggestion reopened"),
                            ("suggestion.rebased", "Suggestion brought up to date"),
                            ("suggestion.stale", "Approval stopped: the record had changed"),
                            ("bulk.requested", "Bulk approval requested"),
                            ("execution.succeeded", "Change applied"),
                            ("execution.failed", "Change not applied"),
                            ("execution.undone", "Change undone"),
                            ("proposal.dropped", "Proposal dropped"),
                            (
                                "hostile_text.found",
                                "Text that reads like instructions to an AI found",
                            ),
                            ("policy.refused", "Refused by policy"),
                            ("permission.refused", "Refused: no permission"),
                            ("brain.called", "Brain called"),
                            ("brain.read", "Read for an answer"),
                            ("brain.read_refused", "Refused: what the Brain wanted to read"),
                            ("budget.soft_limit", "Soft limit of the budget reached"),
                            ("digest.sent", "Digest sent"),
                            ("digest.failed", "Digest not sent"),
                            ("digest.unsubscribed", "Unsubscribed from the digest"),
                            ("silence.created", "Silence created"),
                            ("model.chosen", "Former model put into service again"),
                            ("model.let_go", "Choice of a model let go"),
                            ("prediction_run.requested", "Training, scoring or forecast requested"),
                            ("prediction_run.stopped", "Training, scoring or forecast stopped"),
                            (
                                "pair.not_duplicate",
                                "Said of two records that they are not the same",
                            ),
                            ("pair.reopened", "Two records to be looked at again as duplicates"),
                            ("match_run.requested", "Look for duplicates requested"),
                            ("match_run.stopped", "Look for duplicates stopped"),
                            ("conversation.deleted", "Conversation deleted"),
                            ("realtime.token_issued", "Token for realtime voice issued"),
                            ("realtime.token_refused", "Token for realtime voice refused"),
                            ("realtime.tool_refused", "Refused: what realtime voice wanted to do"),
                            ("realtime.session_ended", "Realtime session ended"),
                            ("target.set", "Sales target set"),
                            ("target.changed", "Sales target changed"),
                            ("target.removed", "Sales target removed"),
                            ("trial.requested", "Predictions tried on a file"),
                            ("trial.deleted", "Trial of predictions on a file deleted"),
                            ("settings.changed", "Settings changed"),
                            ("import.finished", "Import finished"),
                            ("export.made", "Export made"),
                            ("data.erased", "Personal data erased"),
                            ("person.signed_in", "Signed in"),
                            ("person.sign_in_failed", "Sign-in failed"),
                            ("person.signed_out", "Signed out"),
                            ("token.issued", "API token issued"),
                            ("token.revoked", "API token revoked"),
                            ("tenant.created", "Tenant created"),
                        ],
                        max_length=40,
                    ),
                ),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(max_length=200)),
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
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("record_kind", models.CharField(blank=True, max_length=30)),
                ("record_id", models.BigIntegerField(null=True)),
                ("suggestion_id", models.BigIntegerField(null=True)),
                ("execution_id", models.BigIntegerField(null=True)),
                ("details", models.JSONField(default=dict)),
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
                "verbose_name_plural": "audit entries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["suggestion_id"], name="audit_by_suggestion"),
                    models.Index(fields=["record_kind", "record_id"], name="audit_by_record"),
                    models.Index(fields=["event", "-id"], name="audit_by_event"),
                    models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
                    models.Index(
                        condition=models.Q(("suggestion_id__isnull", False)),
                        fields=["transaction_id", "id"],
                        name="audit_of_suggestions_in_order",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["transaction_id"], name="audit_by_transaction"
                    ),
                ],
            },
        ),
    ]
