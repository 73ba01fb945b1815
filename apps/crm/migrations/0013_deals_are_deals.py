"""What hangs on a deal calls it one, as the pages do; the tables stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0012_changes_in_order"),
    ]

    operations = [
        migrations.AlterField(
            model_name="activity",
            name="opportunity",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activities",
                to="crm.opportunity",
                verbose_name="deal",
            ),
        ),
        migrations.AlterField(
            model_name="draft",
            name="opportunity",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drafts",
                to="crm.opportunity",
                verbose_name="deal",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="converted_opportunity",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="converted_from",
                to="crm.opportunity",
                verbose_name="converted deal",
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="opportunity",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tasks",
                to="crm.opportunity",
                verbose_name="deal",
            ),
        ),
    ]
