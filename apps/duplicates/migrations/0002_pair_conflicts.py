"""A pair says what stands against it; the statuses of a run have the words of all work."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("duplicates", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="pair",
            name="has_conflict",
            field=models.BooleanField(
                default=False,
                help_text="Both were answered from addresses of their own within the last year.",
            ),
        ),
        migrations.AlterField(
            model_name="pair",
            name="is_likely",
            field=models.BooleanField(
                default=False,
                help_text="At or above the matcher's threshold, and nothing stands against it.",
            ),
        ),
        migrations.AlterField(
            model_name="matchrun",
            name="status",
            field=models.CharField(
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
    ]
