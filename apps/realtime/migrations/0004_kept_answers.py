from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0003_calls_that_are_hung_up"),
        ("suggestions", "0024_discovery_looks_noted"),
    ]

    operations = [
        migrations.AlterField(
            model_name="toolcall",
            name="answer",
            field=models.JSONField(default=dict, help_text="Kept for a day."),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("answer", {}), _negated=True),
                fields=["called_at"],
                name="tool_call_with_answer",
            ),
        ),
    ]
