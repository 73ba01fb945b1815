"""What a token may be used for. Those that are there keep what they could."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

SCOPES = [
    ("read", "Read everything that you see"),
    ("records:write", "Create and change records"),
    ("suggestions:decide", "Decide on suggestions"),
    ("scans:start", "Start scans and replays"),
    ("settings:write", "Change settings"),
]
EVERYTHING = [scope for scope, _ in SCOPES]


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=ArrayField(
                models.CharField(choices=SCOPES, max_length=40), default=EVERYTHING, size=None
            ),
            preserve_default=False,
        ),
    ]
