"""Answering a person's question from facts and read tools: the mode ``read_only``."""

from apps.brain.reading.meetings import PEOPLE_MET
from apps.brain.reading.records import RECORD_SUMMARY, SEARCH_RECORDS
from apps.brain.reading.renewals import RENEWALS_AHEAD
from apps.brain.reading.tools import register_read_tool
from apps.brain.reading.work import MY_TASKS, PIPELINE_NUMBERS

for _tool in (
    SEARCH_RECORDS,
    RECORD_SUMMARY,
    MY_TASKS,
    PIPELINE_NUMBERS,
    RENEWALS_AHEAD,
    PEOPLE_MET,
):
    register_read_tool(_tool)
