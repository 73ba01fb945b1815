from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="realtimesettings",
            name="session_days",
            field=models.PositiveSmallIntegerField(
                default=365, validators=[MinValueValidator(100), MaxValueValidator(1095)]
            ),
        ),
    ]
