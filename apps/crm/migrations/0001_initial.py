import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Stage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.SlugField(max_length=60, unique=True)),
                ("label", models.CharField(max_length=100)),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("merged_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("name", models.CharField(max_length=200)),
                ("website", models.CharField(blank=True, max_length=200)),
                ("sector", models.CharField(blank=True, max_length=100)),
                ("employees", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "annual_revenue",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("location", models.CharField(blank=True, max_length=100)),
                ("phone", models.CharField(blank=True, max_length=50)),
                ("notes", models.TextField(blank=True)),
                ("last_activity_at", models.DateTimeField(editable=False, null=True)),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged_records",
                        to="crm.account",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subsidiaries",
                        to="crm.account",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["name", "id"], name="account_by_name"),
                    models.Index(fields=["owner"], name="account_by_owner"),
                    models.Index(fields=["last_activity_at"], name="account_by_activity"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["name", "website"],
                        name="account_search",
                        opclasses=["gin_trgm_ops", "gin_trgm_ops"],
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_account_per_external_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("merged_at", None), ("merged_into", None)),
                                models.Q(
                                    ("merged_at__isnull", False), ("merged_into__isnull", False)
                                ),
                                _connector="OR",
                            ),
                            models.Q(("merged_into", models.F("id")), _negated=True),
                        ),
                        name="account_is_merged_into_one_other",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangeLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction_id", models.BigIntegerField()),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
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
                    "operation",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("changed", "Changed"),
                            ("deleted", "Deleted"),
                        ],
                        max_length=10,
                    ),
                ),
                ("changes", models.JSONField(default=dict)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(blank=True, max_length=200)),
                ("origin", models.CharField(blank=True, max_length=20)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("backfilled", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["-changed_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["record_kind", "record_id", "-changed_at"], name="change_by_record"
                    ),
                    models.Index(fields=["transaction_id", "id"], name="change_by_transaction"),
                    models.Index(
                        condition=models.Q(
                            ("changes__has_key", "stage_id"),
                            ("operation", "changed"),
                            ("record_kind", "opportunity"),
                        ),
                        fields=["record_id", "changed_at"],
                        name="change_of_stage",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("changes__has_key", "stage_id"),
                            ("operation", "changed"),
                            ("record_kind", "opportunity"),
                        ),
                        fields=["changed_at"],
                        include=("record_id",),
                        name="change_of_stage_by_time",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("changes__has_key", "expected_close_on"),
                            ("operation", "changed"),
                            ("record_kind", "opportunity"),
                        ),
                        fields=["record_id", "changed_at"],
                        name="change_of_close_date",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("changes__has_key", "expected_close_on"),
                            ("operation", "changed"),
                            ("record_kind", "opportunity"),
                        ),
                        fields=["changed_at"],
                        include=("record_id",),
                        name="change_of_close_date_by_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("merged_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("first_name", models.CharField(blank=True, max_length=100)),
                ("last_name", models.CharField(blank=True, max_length=100)),
                ("title", models.CharField(blank=True, max_length=150)),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "email_status",
                    models.CharField(
                        choices=[
                            ("unknown", "Not checked"),
                            ("valid", "Works"),
                            ("bounced", "Bounced"),
                        ],
                        default="unknown",
                        max_length=20,
                    ),
                ),
                ("phone", models.CharField(blank=True, max_length=50)),
                ("do_not_contact", models.BooleanField(default=False)),
                ("notes", models.TextField(blank=True)),
                ("last_activity_at", models.DateTimeField(editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contacts",
                        to="crm.account",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged_records",
                        to="crm.contact",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["last_name", "first_name", "id"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["last_name", "first_name", "id"], name="contact_by_name"),
                    models.Index(fields=["owner"], name="contact_by_owner"),
                    models.Index(
                        condition=models.Q(("do_not_contact", False)),
                        fields=["last_activity_at"],
                        name="contact_by_activity",
                    ),
                    models.Index(
                        django.db.models.functions.text.Lower("email"), name="contact_by_email"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["first_name", "last_name", "email"],
                        name="contact_search",
                        opclasses=["gin_trgm_ops", "gin_trgm_ops", "gin_trgm_ops"],
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_contact_per_external_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("merged_at", None), ("merged_into", None)),
                                models.Q(
                                    ("merged_at__isnull", False), ("merged_into__isnull", False)
                                ),
                                _connector="OR",
                            ),
                            models.Q(("merged_into", models.F("id")), _negated=True),
                        ),
                        name="contact_is_merged_into_one_other",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "value",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("renews_on", models.DateField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("open", "Open"), ("renewed", "Renewed"), ("churned", "Churned")],
                        default="open",
                        max_length=20,
                    ),
                ),
                ("outcome_on", models.DateField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contracts",
                        to="crm.account",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["renews_on", "id"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "open")),
                        fields=["renews_on"],
                        name="contract_renewal",
                    ),
                    models.Index(fields=["owner"], name="contract_by_owner"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_contract_per_external_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomField",
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
                (
                    "key",
                    models.CharField(
                        max_length=60,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*$", "Lower-case letters, digits and underscores."
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=100)),
                (
                    "field_type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("boolean", "Yes or no"),
                            ("choice", "Choice"),
                        ],
                        default="text",
                        max_length=20,
                    ),
                ),
                (
                    "choices",
                    models.JSONField(
                        blank=True, default=list, help_text="The texts of a choice field."
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["record_kind", "position", "label"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("record_kind", "key"), name="one_custom_field_per_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRun",
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
                ("source", models.CharField(max_length=60)),
                ("file_name", models.CharField(max_length=200)),
                ("stored_path", models.CharField(blank=True, max_length=300)),
                ("encoding", models.CharField(blank=True, max_length=30)),
                ("delimiter", models.CharField(blank=True, max_length=3)),
                (
                    "mapping",
                    models.JSONField(
                        default=dict, help_text="Column of the file → field of the record."
                    ),
                ),
                ("notes", models.JSONField(default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("uploaded", "Waiting for the mapping"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("finished", "Finished"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="uploaded",
                        max_length=20,
                    ),
                ),
                ("is_dry_run", models.BooleanField(default=False)),
                ("is_cancel_requested", models.BooleanField(default=False)),
                ("rows_total", models.PositiveIntegerField(null=True)),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("rows_created", models.PositiveIntegerField(default=0)),
                ("rows_changed", models.PositiveIntegerField(default=0)),
                ("rows_unchanged", models.PositiveIntegerField(default=0)),
                ("rows_refused", models.PositiveIntegerField(default=0)),
                ("rows_warned", models.PositiveIntegerField(default=0)),
                ("errors_path", models.CharField(blank=True, max_length=300)),
                ("failure", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("files_removed_at", models.DateTimeField(null=True)),
                (
                    "started_by",
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
            },
        ),
        migrations.CreateModel(
            name="Opportunity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        db_default="open",
                        default="open",
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "stage_entered_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("opened_on", models.DateField(blank=True, null=True)),
                ("expected_close_on", models.DateField(blank=True, null=True)),
                ("closed_on", models.DateField(blank=True, null=True)),
                ("next_step", models.CharField(blank=True, max_length=300)),
                ("lost_reason", models.CharField(blank=True, max_length=200)),
                ("notes", models.TextField(blank=True)),
                ("last_activity_at", models.DateTimeField(editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="opportunities",
                        to="crm.account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="opportunities",
                        to="crm.contact",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "deal",
                "ordering": ["-created_at", "-id"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "open")),
                        fields=["last_activity_at"],
                        name="deal_open_by_activity",
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "won")),
                        fields=["stage_entered_at"],
                        name="deal_won",
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "open")),
                        fields=["expected_close_on"],
                        name="deal_open_by_close_date",
                    ),
                    models.Index(
                        condition=models.Q(("outcome", "open"), _negated=True),
                        fields=["closed_on"],
                        name="deal_closed_by_day",
                    ),
                    models.Index(fields=["owner", "-created_at"], name="deal_by_owner"),
                    models.Index(fields=["-created_at", "-id"], name="deal_by_creation"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["name"], name="deal_search", opclasses=["gin_trgm_ops"]
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_opportunity_per_external_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Lead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("merged_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("first_name", models.CharField(blank=True, max_length=100)),
                ("last_name", models.CharField(blank=True, max_length=100)),
                ("company", models.CharField(blank=True, max_length=200)),
                ("title", models.CharField(blank=True, max_length=150)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("phone", models.CharField(blank=True, max_length=50)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("working", "Working"),
                            ("qualified", "Qualified"),
                            ("unqualified", "Unqualified"),
                            ("converted", "Converted"),
                        ],
                        default="new",
                        max_length=20,
                    ),
                ),
                (
                    "lead_source",
                    models.CharField(
                        blank=True, help_text="Web form, referral, event, …", max_length=60
                    ),
                ),
                (
                    "estimated_value",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("do_not_contact", models.BooleanField(default=False)),
                ("notes", models.TextField(blank=True)),
                ("last_activity_at", models.DateTimeField(editable=False, null=True)),
                (
                    "converted_contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="converted_from",
                        to="crm.contact",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged_records",
                        to="crm.lead",
                    ),
                ),
                (
                    "merged_into_contact",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="Instead of merged_into, for a lead who turned out to be a contact already.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged_leads",
                        to="crm.contact",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "converted_opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="converted_from",
                        to="crm.opportunity",
                        verbose_name="converted deal",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("do_not_contact", False),
                            ("status__in", ["new", "working", "qualified"]),
                        ),
                        fields=["last_activity_at"],
                        name="lead_open_by_activity",
                    ),
                    models.Index(
                        condition=models.Q(("do_not_contact", False), ("status", "new")),
                        fields=["created_at"],
                        name="lead_new_by_creation",
                    ),
                    models.Index(fields=["owner", "-created_at"], name="lead_by_owner"),
                    models.Index(fields=["-created_at", "-id"], name="lead_by_creation"),
                    models.Index(
                        django.db.models.functions.text.Lower("email"), name="lead_by_email"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["first_name", "last_name", "company", "email"],
                        name="lead_search",
                        opclasses=["gin_trgm_ops", "gin_trgm_ops", "gin_trgm_ops", "gin_trgm_ops"],
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_lead_per_external_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(
                                    ("merged_at", None),
                                    ("merged_into", None),
                                    ("merged_into_contact", None),
                                ),
                                models.Q(
                                    ("merged_at__isnull", False),
                                    ("merged_into__isnull", False),
                                    ("merged_into_contact__isnull", True),
                                ),
                                models.Q(
                                    ("merged_at__isnull", False),
                                    ("merged_into__isnull", True),
                                    ("merged_into_contact__isnull", False),
                                ),
                                _connector="OR",
                            ),
                            models.Q(("merged_into", models.F("id")), _negated=True),
                        ),
                        name="lead_is_merged_into_one_other",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("to_address", models.EmailField(max_length=254, verbose_name="to")),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("sent", "Sent"), ("discarded", "Discarded")],
                        default="draft",
                        max_length=20,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="crm.account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="crm.contact",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="crm.lead",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="crm.opportunity",
                        verbose_name="deal",
                    ),
                ),
            ],
            options={
                "verbose_name": "e-mail draft",
                "ordering": ["-created_at", "-id"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["owner", "-created_at"], name="draft_by_owner"),
                    models.Index(fields=["-created_at", "-id"], name="draft_by_creation"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["subject", "to_address"],
                        name="draft_search",
                        opclasses=["gin_trgm_ops", "gin_trgm_ops"],
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_draft_per_external_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "sent", "discarded"])),
                        name="draft_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("body__regex", "\\S"),
                            ("subject__regex", "\\S"),
                            ("to_address__regex", "\\S"),
                        ),
                        name="draft_says_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "activity_kind",
                    models.CharField(
                        choices=[
                            ("email", "E-mail"),
                            ("call", "Call"),
                            ("meeting", "Meeting"),
                            ("note", "Note"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("inbound", "Inbound"), ("outbound", "Outbound"), ("none", "—")],
                        default="none",
                        max_length=10,
                    ),
                ),
                ("occurred_at", models.DateTimeField()),
                ("subject", models.CharField(blank=True, max_length=300)),
                ("body", models.TextField(blank=True)),
                ("counterpart_address", models.CharField(blank=True, max_length=254)),
                ("counterpart_name", models.CharField(blank=True, max_length=200)),
                (
                    "delivery",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("delivered", "Delivered"),
                            ("bounced", "Bounced"),
                        ],
                        default="unknown",
                        max_length=20,
                    ),
                ),
                ("stated_details", models.JSONField(blank=True, default=dict)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="crm.account",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="crm.contact",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="crm.lead",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="crm.opportunity",
                        verbose_name="deal",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activities",
                "ordering": ["-occurred_at", "-id"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("lead__isnull", False)),
                        fields=["lead", "-occurred_at"],
                        include=("id", "activity_kind", "direction"),
                        name="activity_by_lead",
                    ),
                    models.Index(
                        condition=models.Q(("contact__isnull", False)),
                        fields=["contact", "-occurred_at"],
                        include=("id", "activity_kind", "direction"),
                        name="activity_by_contact",
                    ),
                    models.Index(fields=["account", "-occurred_at"], name="activity_by_account"),
                    models.Index(
                        condition=models.Q(("opportunity__isnull", False)),
                        fields=["opportunity", "-occurred_at"],
                        include=("id", "activity_kind", "direction", "contact"),
                        name="activity_by_deal",
                    ),
                    models.Index(fields=["-occurred_at", "-id"], name="activity_by_time"),
                    models.Index(fields=["owner", "-occurred_at"], name="activity_by_owner"),
                    models.Index(
                        condition=models.Q(("activity_kind__in", ["meeting", "call"])),
                        fields=["occurred_at"],
                        name="activity_talks",
                    ),
                    models.Index(
                        condition=models.Q(("direction", "inbound")),
                        fields=["occurred_at"],
                        include=("lead", "opportunity"),
                        name="activity_inbound",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("account__isnull", True),
                            ("contact__isnull", True),
                            ("direction", "inbound"),
                            ("lead__isnull", True),
                            ("opportunity__isnull", True),
                        ),
                        fields=["occurred_at"],
                        name="activity_unmatched",
                    ),
                    models.Index(
                        django.db.models.functions.text.Lower("counterpart_address"),
                        models.F("occurred_at"),
                        models.F("id"),
                        condition=models.Q(
                            ("account__isnull", True),
                            ("contact__isnull", True),
                            ("direction", "inbound"),
                            ("lead__isnull", True),
                            ("opportunity__isnull", True),
                        ),
                        name="activity_unmatched_sender",
                    ),
                    models.Index(
                        condition=models.Q(
                            models.Q(("stated_details", {}), _negated=True),
                            ("delivery", "bounced"),
                            _connector="OR",
                        ),
                        fields=["contact", "-occurred_at"],
                        name="activity_states_details",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["subject", "counterpart_address"],
                        name="activity_search",
                        opclasses=["gin_trgm_ops", "gin_trgm_ops"],
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_activity_per_external_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("name", models.CharField(max_length=150)),
                ("series", models.CharField(blank=True, max_length=100)),
                (
                    "price",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_product_per_external_id",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="opportunity",
            name="product",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="opportunities",
                to="crm.product",
            ),
        ),
        migrations.AddField(
            model_name="opportunity",
            name="stage",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="opportunities",
                to="crm.stage",
            ),
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="The system that the row came from; empty when typed here.",
                        max_length=60,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, help_text="The row's id in that system.", max_length=120
                    ),
                ),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Custom fields, by key."),
                ),
                ("revision", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("due_on", models.DateField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("done", "Done"), ("cancelled", "Cancelled")],
                        default="open",
                        max_length=20,
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Low"), (2, "Normal"), (3, "High"), (4, "Urgent")], default=2
                    ),
                ),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="crm.account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="crm.contact",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="crm.lead",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="crm.opportunity",
                        verbose_name="deal",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["due_on", "-priority", "id"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "open")),
                        fields=["due_on"],
                        name="task_open_by_due",
                    ),
                    models.Index(fields=["owner", "due_on"], name="task_by_owner"),
                    models.Index(
                        condition=models.Q(("status", "open")),
                        fields=["owner", "due_on", "id"],
                        name="task_open_by_owner",
                    ),
                    models.Index(
                        condition=models.Q(("lead__isnull", False), ("status", "open")),
                        fields=["lead"],
                        name="task_open_by_lead",
                    ),
                    models.Index(
                        condition=models.Q(("opportunity__isnull", False), ("status", "open")),
                        fields=["opportunity"],
                        name="task_open_by_deal",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["title"], name="task_search", opclasses=["gin_trgm_ops"]
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("source", "external_id"),
                        name="one_task_per_external_id",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(
                condition=models.Q(("outcome", "open")),
                fields=["stage", "stage_entered_at"],
                name="deal_open_by_stage",
            ),
        ),
    ]
