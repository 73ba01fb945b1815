"""What an import decided, whether it was a trial, and whether somebody asked it to stop."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0002_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="importrun",
            options={"ordering": ["-created_at", "-id"]},
        ),
        migrations.AddField(
            model_name="importrun",
            name="is_cancel_requested",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="is_dry_run",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="notes",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="importrun",
            name="rows_warned",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="importrun",
            name="started_at",
            field=models.DateTimeField(null=True),
        ),
    ]
