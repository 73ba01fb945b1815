"""A replay is work in the background like a run of predictions, with the same columns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triggers", "0010_awaits_pipeline")]

    operations = [
        migrations.RenameField("replayrun", "failure", "message"),
        migrations.AlterField(
            "replayrun",
            "message",
            models.TextField(blank=True, help_text="What came of it, or why nothing did."),
        ),
        migrations.AlterField(
            "replayrun",
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
        migrations.AlterField("replayrun", "steps_done", models.PositiveIntegerField(default=0)),
        migrations.AlterField("replayrun", "steps_total", models.PositiveIntegerField(default=0)),
    ]
