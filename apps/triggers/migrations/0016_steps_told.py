from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("triggers", "0015_asked_suggestions"),
    ]

    operations = [
        migrations.AddField(
            model_name="reading",
            name="tells_of_step",
            field=models.BooleanField(default=False),
        ),
    ]
