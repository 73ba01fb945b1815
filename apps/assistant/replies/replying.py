"""Each request that the rules understand, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apps.assistant.replies import leading, proposals, questions
from apps.assistant.replies.naming import not_read
from apps.assistant.replies.reply import Reply, Replying
from apps.assistant.rules import Heard, Topic
from apps.assistant.turns import NotReadError, Turn

_REPLIES: Mapping[Topic, Callable[[Turn, Heard], Replying]] = {
    Topic.HELP: questions.tell_help,
    Topic.TASKS: questions.tell_tasks,
    Topic.PIPELINE: questions.tell_pipeline,
    Topic.FORECAST: questions.tell_forecast,
    Topic.FIND: questions.tell_found,
    Topic.ABOUT: questions.tell_about,
    Topic.OWNER: questions.tell_owner,
    Topic.TO_DO: questions.tell_to_do,
    Topic.DISCOVERED: questions.tell_discovered,
    Topic.RENEWALS: questions.tell_renewals,
    Topic.REMIND: proposals.remind,
    Topic.FOLLOW_UP: proposals.follow_up,
    Topic.FOLLOW_UP_MET: proposals.follow_up_met,
    Topic.LOG: proposals.log,
    Topic.GO_TO: leading.go_to,
    Topic.DECIDING: leading.send_where_people_do_it,
    Topic.UNDOING: leading.send_where_people_do_it,
    Topic.DELETING: leading.send_where_people_do_it,
    Topic.SETTING: leading.send_where_people_do_it,
}


def reply_to(turn: Turn, heard: Heard) -> Replying:
    """Answer a message that the rules have understood; what cannot be read is said in words."""
    try:
        return (yield from _REPLIES[heard.topic](turn, heard))
    except NotReadError as error:
        return Reply(not_read(error))
