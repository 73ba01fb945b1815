"""What a person asks for has a goal of its own, of which one is open per record, tool and person."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("brain", "0006_no_end"),
        ("execution", "0004_undoes"),
        ("suggestions", "0022_merge_goal"),
        ("triggers", "0015_asked_suggestions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="suggestion",
            name="one_open_suggestion_per_record_and_goal",
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
                    ("as_asked", "As asked"),
                ],
                max_length=40,
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
                    ("as_asked", "As asked"),
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
                    ("as_asked", "As asked"),
                ],
                max_length=40,
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["pending", "snoozed", "approved"]),
                    models.Q(("goal", "as_asked"), _negated=True),
                ),
                fields=("record_kind", "record_id", "goal"),
                name="one_open_suggestion_per_record_and_goal",
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("goal", "as_asked"), ("state__in", ["pending", "snoozed", "approved"])
                ),
                fields=("record_kind", "record_id", "tool", "assignee"),
                name="one_open_asked_suggestion_per_record_tool_and_person",
            ),
        ),
    ]
