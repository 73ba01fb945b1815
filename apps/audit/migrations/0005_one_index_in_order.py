from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_details_are_an_object")]
    operations = [
        migrations.RemoveIndex(model_name="auditentry", name="audit_of_suggestions_in_order"),
        migrations.RemoveIndex(model_name="auditentry", name="audit_by_transaction"),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["transaction_id", "id"], name="audit_in_order"),
        ),
    ]
