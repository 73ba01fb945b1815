"""A matcher knows from when on a key is too common; keys are found at once after they were written."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("duplicates", "0002_pair_conflicts")]

    operations = [
        migrations.AddField(
            model_name="matcher",
            name="most_per_key",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RemoveIndex(model_name="recordkeys", name="record_by_key"),
        migrations.AddIndex(
            model_name="recordkeys",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["keys"], name="record_by_key", fastupdate=False
            ),
        ),
    ]
