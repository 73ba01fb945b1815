from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0004_records_of_tool_calls"),
    ]

    operations = [
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
                    ("month_limit", "Month's limit reached"),
                    ("connection_lost", "Connection lost"),
                    ("never_connected", "Never connected"),
                    ("provider", "Ended by the provider"),
                    ("revoked", "No longer allowed"),
                    ("failed", "Failed"),
                ],
                max_length=20,
            ),
        ),
    ]
