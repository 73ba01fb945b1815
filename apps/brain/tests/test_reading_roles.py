"""With whose rights a question is answered, and what is open while a model is asked."""

from __future__ import annotations

from django.db import connection

from apps.audit.schemas import Actor
from apps.brain.enums import Language, Mode, Provider
from apps.brain.language_model import asking
from apps.brain.models import BrainCall, BrainSettings
from apps.brain.schemas import Question
from apps.brain.services import think
from apps.brain.tests.factories import FRIDAY, NOW
from apps.conftest import make_cast
from apps.crm.tests.factories import TaskFactory
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import current_role
from apps.tenants.secrets import seal
from apps.tenants.tests.watching import probing, watching_statements
from stubs.openai_server.testing import RunningStandIn


def test_records_are_read_as_the_ai_and_no_transaction_is_open_while_a_model_is_asked(
    committed_tenant: Tenant, stand_in: RunningStandIn
) -> None:
    cast = make_cast()
    TaskFactory(owner=cast.rep, title="Call Ana")
    BrainSettings.objects.create(
        pk=1,
        provider=Provider.OPENAI,
        base_url=stand_in.base_url,
        model="stand-in",
        sealed_key=seal(stand_in.key),
    )
    question = Question("How many tasks have I got?", cast.rep, Language.ENGLISH, FRIDAY)

    def probe() -> tuple[bool, bool, Role | None]:
        return (
            connection.in_atomic_block,
            connection.connection.info.transaction_status.name == "IDLE",
            current_role(),
        )

    with watching_statements() as statements, probing(asking.ask, probe) as noted:
        answer = think(question, Mode.READ_ONLY, actor=Actor.for_person(cast.rep), now=NOW)
    assert noted == [(False, True, None)] * 2
    assert "Call Ana" in answer.text
    assert statements.accounts_of('"crm_task"') == {Role.AI.value}
    assert statements.accounts_of('INSERT INTO "brain_braincall"') == {Role.AI.value}
    assert BrainCall.objects.count() == 2
