"""What activities are about."""

from __future__ import annotations

from enum import Enum


class Topic(Enum):
    """What an activity is about."""

    FIRST_MAIL = "first mail"
    QUOTE = "quote"
    ANSWER = "answer"
    RECAP = "recap"
    REMINDER = "reminder"
    REPLY = "reply"
    HOLD = "hold"
    CALL = "call"
    MEETING = "meeting"
    NOTE = "note"
    ORDER = "order"
    ORDER_CONFIRMED = "order confirmed"
    DECLINED = "declined"
    COMEBACK = "comeback"
    FAREWELL = "farewell"
    LEAD_FIRST_MAIL = "lead first mail"
    LEAD_REPLY = "lead reply"
    LEAD_REMINDER = "lead reminder"
    LEAD_CALL = "lead call"
    LEAD_MEETING = "lead meeting"
    CHECK_IN = "check-in"
    CHECK_IN_REPLY = "check-in reply"
    CHECK_IN_THANKS = "check-in thanks"
    CHECK_IN_CALL = "check-in call"
    THANKS = "thanks"
    LEAD_INTENT = "lead intent"
    LEAD_LOOKALIKE = "lead lookalike"
    SERVICE_QUESTION = "service question"
    SERVICE_ANSWER = "service answer"
    SERVICE_STATUS = "service status"
    SERVICE_STATUS_REPLY = "service status reply"
    LEAVING = "leaving"
    GRUMBLE = "grumble"
    SUCCESSOR = "successor"
