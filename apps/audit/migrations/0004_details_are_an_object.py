from django.db import migrations

# Of entries that are there already none can be changed.
FORWARD = """
ALTER TABLE audit_auditentry ADD CONSTRAINT audit_details_are_an_object
    CHECK (jsonb_typeof(details) = 'object') NOT VALID;
"""
BACKWARD = "ALTER TABLE audit_auditentry DROP CONSTRAINT audit_details_are_an_object;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_lifted_silences")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
