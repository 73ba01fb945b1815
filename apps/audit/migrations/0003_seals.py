"""Entries know their transaction, and seals chain them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import BigIntegerField, Func

# Entries that stand there already get 0, without a rewrite of the table; the first seals take them.
ADD_TRANSACTION = """
ALTER TABLE audit_auditentry ADD COLUMN transaction_id bigint NOT NULL DEFAULT 0;
ALTER TABLE audit_auditentry ALTER COLUMN transaction_id SET DEFAULT (pg_current_xact_id()::text::bigint);
"""
DROP_TRANSACTION = "ALTER TABLE audit_auditentry DROP COLUMN transaction_id"

REFUSE_CHANGE = """
CREATE TRIGGER audit_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
ALLOW_CHANGE = "DROP TRIGGER audit_append_only ON audit_auditseal"


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            ADD_TRANSACTION,
            DROP_TRANSACTION,
            state_operations=[
                migrations.AddField(
                    model_name="auditentry",
                    name="transaction_id",
                    field=models.BigIntegerField(
                        db_default=Func(
                            template="(pg_current_xact_id()::text::bigint)",
                            output_field=BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["transaction_id"], name="audit_by_transaction"
            ),
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("format", models.PositiveSmallIntegerField()),
                (
                    "cluster",
                    models.BigIntegerField(help_text="PostgreSQL's system identifier."),
                ),
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
            options={"ordering": ["number"]},
        ),
        migrations.RunSQL(REFUSE_CHANGE, ALLOW_CHANGE),
    ]
