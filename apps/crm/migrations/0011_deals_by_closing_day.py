"""The index by which the first page counts what was won and lost in a period."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0010_activity_indexes_cover"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(
                condition=models.Q(("outcome", "open"), _negated=True),
                fields=["closed_on"],
                name="deal_closed_by_day",
            ),
        ),
    ]
