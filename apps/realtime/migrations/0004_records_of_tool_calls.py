from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0003_origins_of_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="toolcall",
            name="records",
            field=models.JSONField(
                default=list, help_text="The records that its answer told of, such as “lead:7”."
            ),
        ),
    ]
