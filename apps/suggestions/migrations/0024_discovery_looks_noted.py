from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("suggestions", "0023_asked_suggestions")]

    operations = [
        migrations.AlterField(
            model_name="discoverylook",
            name="seen_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="discoverylook",
            name="looked_until",
            field=models.DateTimeField(null=True),
        ),
    ]
