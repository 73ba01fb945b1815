"""When the files of an import were removed because of their age."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0004_unmatched_sender_index")]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="files_removed_at",
            field=models.DateTimeField(null=True),
        ),
    ]
