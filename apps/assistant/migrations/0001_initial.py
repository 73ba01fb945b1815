import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("brain", "0001_initial"),
        ("suggestions", "0001_initial"),
        ("users", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "title",
                    models.CharField(blank=True, help_text="Its first words.", max_length=120),
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
                ("began_at", models.DateTimeField()),
                ("last_said_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-last_said_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["person", "-last_said_at", "-id"], name="conversation_of_person"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("record_id", None), ("record_kind", "")),
                            models.Q(
                                models.Q(("record_kind", ""), _negated=True),
                                ("record_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="conversation_record_is_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "speaker",
                    models.CharField(
                        choices=[("person", "Person"), ("assistant", "AiSHA")], max_length=20
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
                    "state",
                    models.CharField(
                        choices=[
                            ("whole", "Said"),
                            ("cut_short", "Cut short"),
                            ("failed", "Not answered"),
                        ],
                        default="whole",
                        max_length=20,
                    ),
                ),
                ("text", models.TextField()),
                (
                    "intent",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("question", "Question"),
                            ("propose", "To have something proposed"),
                            ("navigate", "To go to a page"),
                            ("out_of_scope", "Something that AiSHA does not do"),
                        ],
                        max_length=20,
                    ),
                ),
                ("sentences", models.JSONField(default=list)),
                ("facts", models.JSONField(default=list)),
                ("leads_to", models.CharField(blank=True, max_length=300)),
                (
                    "provider",
                    models.CharField(
                        blank=True,
                        choices=[("rules", "Built-in rules"), ("openai", "Language model")],
                        max_length=20,
                    ),
                ),
                ("item", models.CharField(blank=True, max_length=100)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("said_at", models.DateTimeField()),
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
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="assistant.conversation",
                    ),
                ),
                (
                    "suggestions",
                    models.ManyToManyField(related_name="+", to="suggestions.suggestion"),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["conversation", "id"], name="message_of_conversation")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["typed", "voice", "realtime"])),
                        name="message_origin_is_a_way_of_talking",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("item", ""), _negated=True),
                        fields=("conversation", "item"),
                        name="one_message_per_realtime_item",
                    ),
                ],
            },
        ),
    ]
