"""Merging duplicates is a goal, with a reason of its own; a finding may say how probable it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("suggestions", "0021_views_of_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="suggestion",
            name="likelihood",
            field=models.FloatField(
                help_text="How probable the finding itself is, 0 to 1; empty where it says nothing of that.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="decision",
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
                ],
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("not_needed", "Not needed"),
                    ("already_done", "Already done"),
                    ("wrong_record", "Wrong person or deal"),
                    ("wrong_change", "Right idea, wrong change"),
                    ("bad_timing", "Bad timing"),
                    ("not_duplicate", "Not a duplicate"),
                ],
                max_length=30,
            ),
        ),
        migrations.AlterField(
            model_name="nothingproposed",
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
                ],
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="suggestion",
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
                ],
                max_length=40,
            ),
        ),
    ]
