"""Suggestions that were written from what their readers may not see any more: it was given to others since.

The pages conceal their texts; here they are found, to be written anew without it or to be withdrawn.
"""

from __future__ import annotations

from django.db import connection

# A merge names both of its records, so that nobody is shown it who may not see both.
# The rule is that of ``readers.Readers.may_see``, for whom the suggestion was meant. Records are looked up by
# index, one by one, for the reason that stands in ``awaiting``.
_UNTELLABLE = """
    SELECT g.id FROM suggestions_suggestion g
    CROSS JOIN LATERAL (
        SELECT CASE WHEN g.given_by_id IS NULL THEN g.assignee_id ELSE g.given_for_id END AS id
    ) reader
    WHERE g.state IN ('pending', 'snoozed') AND g.origin = 'trigger' AND g.goal <> 'merge_duplicates'
      AND EXISTS (
        SELECT 1 FROM jsonb_array_elements(g.facts) f
        CROSS JOIN LATERAL (
            SELECT split_part(f ->> 'record', ':', 1) AS kind,
                   split_part(f ->> 'record', ':', 2)::bigint AS id
        ) r
        CROSS JOIN LATERAL (
            SELECT owner_id FROM crm_lead WHERE r.kind = 'lead' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_contact WHERE r.kind = 'contact' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_account WHERE r.kind = 'account' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_opportunity WHERE r.kind = 'opportunity' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_activity WHERE r.kind = 'activity' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_task WHERE r.kind = 'task' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_contract WHERE r.kind = 'contract' AND id = r.id
            UNION ALL SELECT owner_id FROM crm_draft WHERE r.kind = 'draft' AND id = r.id
            LIMIT 1
        ) o
        WHERE (r.kind, r.id) <> (g.record_kind, g.record_id)
          AND o.owner_id <> coalesce(reader.id, 0)
          AND NOT coalesce((SELECT team_id FROM users_user WHERE id = o.owner_id)
                           = (SELECT team_id FROM users_user WHERE id = reader.id), false)
        OFFSET 0)
"""


def find_untellable() -> list[int]:
    """Waiting and snoozed suggestions of triggers that tell of what their readers may not see any more."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTELLABLE)
        return [pk for (pk,) in cursor.fetchall()]
