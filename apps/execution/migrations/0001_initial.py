import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("decided_at", models.DateTimeField()),
                ("tool", models.CharField(max_length=60)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("person_must_decide", "A person must decide")], max_length=40
                    ),
                ),
                ("policy_version", models.PositiveSmallIntegerField()),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["person_must_decide"])),
                        name="policy_verdict_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tool", models.CharField(max_length=60)),
                ("arguments", models.JSONField()),
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
                ("record_id", models.BigIntegerField(null=True)),
                ("before_values", models.JSONField(default=dict)),
                ("after_values", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[("succeeded", "Applied"), ("failed", "Failed")], max_length=20
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.TextField(blank=True)),
                ("approved_at", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("idempotency_key", models.CharField(max_length=120)),
                ("note", models.JSONField(null=True)),
                ("left_alone", models.JSONField(default=list)),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="executions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undo_attempts",
                        to="execution.execution",
                    ),
                ),
                (
                    "policy_decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, to="execution.policydecision"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["record_kind", "record_id"], name="execution_by_record"),
                    models.Index(fields=["-finished_at"], name="execution_by_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "succeeded")),
                        fields=("idempotency_key",),
                        name="one_success_per_idempotency_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["succeeded", "failed"])),
                        name="execution_status_is_known",
                    ),
                ],
            },
        ),
    ]
