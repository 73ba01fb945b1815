"""Indexes that hold all that triggers ask: when an activity was entered, and about which deal; since when
accounts are there of which nobody was heard."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="account", name="account_by_activity"),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                fields=["last_activity_at", "created_at"], name="account_by_activity"
            ),
        ),
        migrations.RemoveIndex(model_name="activity", name="activity_by_contact"),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(
                condition=models.Q(("contact__isnull", False)),
                fields=["contact", "-occurred_at"],
                include=("id", "activity_kind", "direction", "opportunity", "created_at"),
                name="activity_by_contact",
            ),
        ),
        migrations.RemoveIndex(model_name="activity", name="activity_by_deal"),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(
                condition=models.Q(("opportunity__isnull", False)),
                fields=["opportunity", "-occurred_at"],
                include=("id", "activity_kind", "direction", "contact", "created_at"),
                name="activity_by_deal",
            ),
        ),
    ]
