"""Who shares a telephone or a company and is another person: colleagues behind one switchboard, relatives.

Of one pair or of many at once: bits by field are numbers, or arrays of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.duplicates.matching.fields import Field

# Four to one against: a short form or a slip never says so much, another name does.
_AGAINST_BITS = -2.0
# An address of one company says less: it is the same address, or all but the same.
_SAME_ADDRESS_BITS = 6.0
# What people of one company or one household have in common, and what is a person's own.
_SHARED = (Field.PHONE, Field.COMPANY, Field.WEBSITE)
_OWN = (Field.BIRTH_DATE, Field.ID_NUMBER)


def have_other_names(bits: Mapping[Field, Any] | Mapping[str, Any]) -> Any:
    """Whether names say that two are others, and nothing of their own says that they are not.

    ``bits`` is what each field says for a pair: a number, or an array with one for each of many pairs; the
    answer is a truth value or an array of them. Somebody may take another surname and keep the telephone; who
    has another given name is another person. Where no telephone and no company speaks for a pair, something
    else does, and nothing is held against it here.
    """
    phone, surname = bits.get(Field.PHONE, 0.0), bits.get(Field.SURNAME, 0.0)
    has_other_given_name = bits.get(Field.GIVEN_NAME, 0.0) <= _AGAINST_BITS
    has_other_name = has_other_given_name | ((surname <= _AGAINST_BITS) & (phone <= 0))
    is_shared = False
    for field in _SHARED:
        is_shared = is_shared | (bits.get(field, 0.0) > 0)
    is_another = bits.get(Field.EMAIL, 0.0) < _SAME_ADDRESS_BITS
    for field in _OWN:
        is_another = is_another & (bits.get(field, 0.0) <= 0)
    return has_other_name & is_shared & is_another
