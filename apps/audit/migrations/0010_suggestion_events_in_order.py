"""The entries about suggestions by transaction and row, for the feed of suggestions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0009_reading"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(suggestion_id__isnull=False),
                fields=["transaction_id", "id"],
                name="audit_of_suggestions_in_order",
            ),
        ),
    ]
