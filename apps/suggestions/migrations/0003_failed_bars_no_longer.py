"""A failed suggestion whose reason has gone no longer stands in the way of a new one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("suggestions", "0002_initial")]

    operations = [
        migrations.RemoveConstraint(
            model_name="suggestion", name="one_open_suggestion_per_record_and_goal"
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["pending", "snoozed", "approved"])),
                fields=("record_kind", "record_id", "goal"),
                name="one_open_suggestion_per_record_and_goal",
            ),
        ),
    ]
