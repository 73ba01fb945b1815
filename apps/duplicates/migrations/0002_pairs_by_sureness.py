from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("duplicates", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="pair",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["-is_likely", "-probability", "id"],
                name="pair_open_by_sureness",
            ),
        ),
    ]
