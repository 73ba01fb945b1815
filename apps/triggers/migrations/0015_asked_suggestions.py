"""What a person asks for has a goal of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("triggers", "0014_readings"),
    ]

    operations = [
        migrations.AlterField(
            model_name="signal",
            name="goal",
            field=models.CharField(
                choices=[
                    ("meet_lead", "Make first contact"),
                    ("revive_lead", "Revive the lead"),
                    ("act_on_interest", "Act on the interest"),
                    ("move_deal", "Get the deal moving"),
                    ("settle_close_date", "Settle the close date"),
                    ("widen_deal", "Bring in a second contact"),
                    ("keep_account", "Keep the account"),
                    ("plan_renewal", "Plan the renewal"),
                    ("answer_message", "Answer the message"),
                    ("reach_contact", "Reach the contact another way"),
                    ("look_into_change", "Look into the change"),
                    ("clear_task", "Settle the task"),
                    ("plan_next_step", "Plan the next step"),
                    ("identify_sender", "Take in the sender"),
                    ("correct_contact", "Correct the contact"),
                    ("merge_duplicates", "Merge the duplicates"),
                    ("as_asked", "As asked"),
                ],
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="silence",
            name="goal",
            field=models.CharField(
                blank=True,
                choices=[
                    ("meet_lead", "Make first contact"),
                    ("revive_lead", "Revive the lead"),
                    ("act_on_interest", "Act on the interest"),
                    ("move_deal", "Get the deal moving"),
                    ("settle_close_date", "Settle the close date"),
                    ("widen_deal", "Bring in a second contact"),
                    ("keep_account", "Keep the account"),
                    ("plan_renewal", "Plan the renewal"),
                    ("answer_message", "Answer the message"),
                    ("reach_contact", "Reach the contact another way"),
                    ("look_into_change", "Look into the change"),
                    ("clear_task", "Settle the task"),
                    ("plan_next_step", "Plan the next step"),
                    ("identify_sender", "Take in the sender"),
                    ("correct_contact", "Correct the contact"),
                    ("merge_duplicates", "Merge the duplicates"),
                    ("as_asked", "As asked"),
                ],
                max_length=40,
            ),
        ),
    ]
