from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assistant", "0001_initial"),
        ("realtime", "0002_unused"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="is_hang_up_due",
            field=models.BooleanField(
                default=False, help_text="It has ended here, and perhaps not at the provider."
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="last_word_at",
            field=models.DateTimeField(help_text="When somebody last said anything.", null=True),
        ),
        migrations.AddField(
            model_name="session",
            name="provider_calls",
            field=models.JSONField(
                default=list,
                help_text="The provider's ids of its connections, as the browser told them.",
            ),
        ),
        migrations.AlterField(
            model_name="session",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hung_up", "Hung up"),
                    ("length_limit", "Longest length reached"),
                    ("idle_limit", "Nobody said anything"),
                    ("cost_limit", "Cost limit reached"),
                    ("connection_lost", "Connection lost"),
                    ("never_connected", "Never connected"),
                    ("provider", "Ended by the provider"),
                    ("revoked", "No longer allowed"),
                    ("failed", "Failed"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("is_hang_up_due", True)),
                fields=["ended_at"],
                name="session_to_hang_up",
            ),
        ),
    ]
