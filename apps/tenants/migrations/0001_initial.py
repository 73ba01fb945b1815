import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django_tenants.postgresql_backend.base
from django.db import migrations, models

import apps.tenants.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "schema_name",
                    models.CharField(
                        db_index=True,
                        max_length=63,
                        unique=True,
                        validators=[django_tenants.postgresql_backend.base._check_schema_name],
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: nobody signs in and no scan runs; nothing is deleted.",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[apps.tenants.models.validate_time_zone],
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="USD",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}$", "Three capital letters."
                            )
                        ],
                    ),
                ),
                (
                    "suggestions_per_day",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="How many suggestions one person gets in a day; the rest are held back.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                    ),
                ),
                (
                    "silence_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="For how long a decided suggestion is not made again for the same record and goal.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                    ),
                ),
                (
                    "undo_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="For how long an applied suggestion can be undone.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                    ),
                ),
                (
                    "working_week",
                    models.CharField(
                        default="12345",
                        help_text="The days of the week on which the company works: 1 is Monday, 12345 Monday to Friday.",
                        max_length=7,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^(?=.)1?2?3?4?5?6?7?$",
                                "Digits from 1 (Monday) to 7 (Sunday), in order.",
                            )
                        ],
                    ),
                ),
                (
                    "holidays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField(),
                        blank=True,
                        default=list,
                        help_text="Days off besides, such as 2026-12-25, with commas between them.",
                        size=200,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Domain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(db_index=True, max_length=253, unique=True)),
                ("is_primary", models.BooleanField(db_index=True, default=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domains",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["domain"],
            },
        ),
        migrations.CreateModel(
            name="ModuleGate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "module",
                    models.CharField(
                        choices=[
                            ("triggers", "Triggers"),
                            ("suggestions", "Suggestions"),
                            ("predictions", "Predictions"),
                            ("duplicates", "Duplicates"),
                            ("assistant", "Assistant"),
                            ("realtime", "Realtime voice"),
                        ],
                        max_length=30,
                    ),
                ),
                ("is_on", models.BooleanField(default=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="module_gates",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "module"), name="one_gate_per_tenant_and_module"
                    )
                ],
            },
        ),
    ]
