"""A look at everything says with which edition of keys: those of another are made anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("duplicates", "0004_carried_decisions")]

    operations = [
        migrations.AddField(
            model_name="matchcursor",
            name="keys_edition",
            field=models.PositiveSmallIntegerField(
                db_default=1,
                default=2,
                help_text="With which edition of keys all records were looked at.",
            ),
        ),
    ]
