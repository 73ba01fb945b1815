"""The change log by transaction and row, so that a reader goes on in the middle of a large transaction."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0011_deals_by_closing_day"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="changelog", name="change_by_transaction"),
        migrations.AddIndex(
            model_name="changelog",
            index=models.Index(fields=["transaction_id", "id"], name="change_by_transaction"),
        ),
    ]
