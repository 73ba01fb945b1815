"""Random steps in the life of a company, for tests that hold one way of looking against another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import models

from apps.crm.changelog import record_models
from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    Delivery,
    Direction,
    EmailStatus,
    LeadStatus,
    RecordKind,
    TaskStatus,
)
from apps.crm.models import Account, Activity, Contact, Contract, Lead, Opportunity, Stage, Task
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.models.pairs import key_of
from apps.duplicates.tests.pairs import make_pair, ref_of
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.writing import Scored, retire_scores, write_scores
from apps.tenants.models import Tenant
from apps.triggers.exceptions import InvalidParametersError
from apps.triggers.models import TriggerSetting
from apps.triggers.rules import registry
from apps.users.models import User

ADDRESSES = (
    "ann@one.example",
    "Ben@two.example",
    "cleo@three.example",
    "no-reply@four.example",
    "İpek@five.example",
    "ΔΗΜΟΣ@six.example",
    "",
)
PROBABILITIES = (0.5, 0.79, 0.795, 0.8, 0.804, 0.9, 0.99)
TEXTS = (
    *("", "", "Thanks, well received.", "Please send me a quote.", "Please wait, this is on hold."),
    *(
        "I will call back tomorrow.",
        "Ich melde mich am Freitag.",
        "Je vous rappelle la semaine prochaine.",
    ),
    "We do not want to renew the contract.",
)
PREDICTIONS = {
    Prediction.LEAD_CONVERSION: Lead,
    Prediction.DEAL_CLOSE: Opportunity,
    Prediction.CONTACT_ENGAGEMENT: Contact,
    Prediction.RENEWAL_RISK: Account,
}


class Company:
    """A company to which something happens at each step. The same seed tells the same story."""

    def __init__(self, seed: int, tenant: Tenant, people: list[User], now: datetime) -> None:
        self.random = Random(seed)
        self.tenant = tenant
        self.people = people
        self.now = now
        self.story: list[str] = []

    def live(self) -> None:
        """Let one thing happen."""
        weights: dict[Callable[[], None], int] = {
            self.add_lead: 6, self.add_account: 3, self.add_contact: 5, self.add_deal: 6,
            self.add_activity: 30, self.hear_from_a_stranger: 4, self.sort_out_a_message: 7,
            self.chase: 4, self.court: 4, self.change_rhythm: 2, self.negotiate: 5, self.step_back: 3,
            self.push_date: 4, self.pile_up: 2, self.cool_off: 3, self.warm_up: 3, self.fall_out: 3,
            self.add_task: 8, self.add_contract: 4, self.change: 25, self.change_many: 3,
            self.remove: 4, self.score: 5, self.withdraw: 1, self.set_trigger: 3,
            self.set_calendar: 1, self.wait: 14, self.find_twins: 5, self.look_again: 5,
            self.merge: 2,
        }  # fmt: skip
        step = self.random.choices(list(weights), list(weights.values()))[0]
        self.story.append(step.__name__)
        step()

    # -- records come --

    def add_lead(self) -> None:
        Lead.objects.create(
            owner=self._person(), last_name=self._word(), email=self.random.choice(ADDRESSES),
            status=self.random.choice(LeadStatus.values), created_at=self._moment(),
            do_not_contact=self._rarely(),
        )  # fmt: skip

    def add_account(self) -> None:
        Account.objects.create(owner=self._person(), name=self._word())

    def add_contact(self) -> None:
        Contact.objects.create(
            owner=self._person(), account=self._some(Account), last_name=self._word(), phone="+49 30 1",
            email=self.random.choice(ADDRESSES), do_not_contact=self._rarely(),
        )  # fmt: skip

    def add_deal(self) -> None:
        Opportunity.objects.create(
            owner=self._person(), account=self._some(Account), contact=self._some(Contact),
            name=self._word(), stage=self._stage(), stage_entered_at=self._moment(),
            amount=self.random.choice([None, 0, 900, 5_000, 40_000]), created_at=self._moment(),
            opened_on=self._moment().date(),
            expected_close_on=self.random.choice([None, self._moment(ahead=60).date()]),
        )  # fmt: skip

    def add_activity(self) -> None:
        for _ in range(self.random.choice([1, 1, 2, 5])):
            is_strange = self.random.random() < 0.25
            at = self._moment()
            Activity.objects.create(
                owner=self._person(), activity_kind=self.random.choice(ActivityKind.values),
                direction=self.random.choice(Direction.values), occurred_at=at, created_at=at,
                body=self.random.choice(TEXTS),
                lead=None if is_strange else self._some(Lead),
                contact=None if is_strange else self._some(Contact),
                opportunity=None if is_strange else self._some(Opportunity),
                account=None if is_strange else self._some(Account),
                counterpart_address=self.random.choice(ADDRESSES),
                delivery=self.random.choice(Delivery.values),
                stated_details=self.random.choice([{}, {}, {"phone": "+49 30 2"}, {"title": "Head"}]),
            )  # fmt: skip

    def hear_from_a_stranger(self) -> None:
        """Get a few messages of one sender, in no order."""
        address = self.random.choice(ADDRESSES[:-1])
        for _ in range(self.random.choice([1, 2, 3])):
            Activity.objects.create(
                owner=self._person(), activity_kind=ActivityKind.EMAIL, direction=Direction.INBOUND,
                occurred_at=self._moment(), counterpart_address=address,
            )  # fmt: skip

    def sort_out_a_message(self) -> None:
        """Attach, detach, date anew or turn round a message that came from somebody."""
        heard = Activity.objects.order_by("pk").exclude(counterpart_address="")
        keys = list(heard.values_list("pk", flat=True))
        if not keys:
            return
        moves: list[dict[str, Any]] = [
            {"account": self._some(Account), "lead": None, "contact": None, "opportunity": None},
            {"account": None, "lead": None, "contact": None, "opportunity": None},
            {"occurred_at": self._moment()},
            {"direction": self.random.choice(Direction.values)},
        ]
        chosen = heard.filter(pk=self.random.choice(keys))
        chosen.update(**self.random.choice(moves))

    def chase(self) -> None:
        """Write to one person again and again."""
        contact = self._some(Contact, always=True)
        for days in (3, 5, 9, 14, 20):
            Activity.objects.create(
                owner=self._person(), activity_kind=ActivityKind.EMAIL, direction=Direction.OUTBOUND,
                occurred_at=self.now - timedelta(days=days), contact=contact,
            )  # fmt: skip

    def court(self) -> None:
        """Meet a customer often, long ago, and write twice since, with a renewal that comes up."""
        account = self._some(Account, always=True)
        if account is None:
            return
        for days in (48, 50, 52, 54, 60, 65, 70, 80, 90):
            Activity.objects.create(
                owner=self._person(), activity_kind=ActivityKind.MEETING, account=account,
                occurred_at=self.now - timedelta(days=days),
            )  # fmt: skip
        for days in (self.random.choice([32, 40]), self.random.choice([6, 31])):
            Activity.objects.create(
                owner=self._person(), activity_kind=ActivityKind.EMAIL, direction=Direction.OUTBOUND,
                account=account, occurred_at=self.now - timedelta(days=days),
            )  # fmt: skip
        Contract.objects.create(
            account=account, name=self._word(), starts_on=self._moment().date(),
            renews_on=(self.now + timedelta(days=self.random.choice([20, 61, 95]))).date(),
        )  # fmt: skip

    def change_rhythm(self) -> None:
        """Be in touch with somebody for months, and lately not any more, or only lately so often."""
        contact = self._some(Contact, always=True)
        is_rise = self.random.random() < 0.5
        for week in range(20):
            for day in range(4 if is_rise and week < 4 else 1 if is_rise or week >= 4 else 0):
                at = self.now - timedelta(days=2 + 7 * week + day)
                Activity.objects.create(
                    owner=self._person(), activity_kind=ActivityKind.EMAIL, direction=Direction.OUTBOUND,
                    occurred_at=at, created_at=at, contact=contact,
                )  # fmt: skip

    def negotiate(self) -> None:
        """Talk about an older deal again and again, with its own contact alone or with whoever is there."""
        deal = self._some(Opportunity, always=True)
        if deal is None:
            return
        early = Stage.objects.open().order_by("position")[0]
        Opportunity.objects.filter(pk=deal.pk).update(
            created_at=self.now - timedelta(days=75), amount=40_000, stage=early
        )
        with_whom = self.random.choice([deal.contact, deal.contact, self._some(Contact)])
        for days in (2, 6, 11, 19, 28, 40):
            Activity.objects.create(
                owner=self._person(), activity_kind=ActivityKind.MEETING, opportunity=deal,
                contact=with_whom, occurred_at=self.now - timedelta(days=days),
            )  # fmt: skip

    def push_date(self) -> None:
        """Put off the close date of an open deal twice."""
        deal = self._some(Opportunity, always=True)
        if deal is None:
            return
        early = Stage.objects.open().order_by("position")[0]
        for days in (10, 40, 80):
            Opportunity.objects.filter(pk=deal.pk).update(
                stage=early, expected_close_on=(self.now + timedelta(days=days)).date()
            )

    def pile_up(self) -> None:
        """Give one person more to do than they get done."""
        person = self.random.choice(self.people)
        day = (self.now - timedelta(days=4)).date()
        Task.objects.bulk_create(Task(owner=person, title="Call", due_on=day) for _ in range(25))

    def cool_off(self) -> None:
        """Let a lead's chance fall."""
        lead = self._some(Lead, always=True)
        if lead is None:
            return
        Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.WORKING)
        for days, score in ((3, 0.9), (0, 0.2)):
            self._score(Prediction.LEAD_CONVERSION, lead, score, days=days)

    def warm_up(self) -> None:
        """Let a lead write, and its chance rise."""
        lead = self._some(Lead, always=True)
        if lead is None:
            return
        Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.WORKING, do_not_contact=False)
        Task.objects.filter(lead=lead).delete()
        Activity.objects.create(
            owner=self._person(), activity_kind=ActivityKind.EMAIL, direction=Direction.INBOUND,
            occurred_at=self.now - timedelta(hours=2), lead=lead,
        )  # fmt: skip
        for days, score in ((3, 0.2), (0, self.random.choice([0.39, 0.4, 0.6]))):
            self._score(Prediction.LEAD_CONVERSION, lead, score, days=days)

    def fall_out(self) -> None:
        """Let a customer with a contract that comes up for renewal be likely to leave."""
        account = self._some(Account, always=True)
        if account is None:
            return
        Task.objects.filter(account=account).delete()
        Contract.objects.create(
            account=account, name=self._word(), starts_on=self._moment().date(),
            renews_on=(self.now + timedelta(days=self.random.choice([20, 61, 95]))).date(),
        )  # fmt: skip
        self._score(Prediction.RENEWAL_RISK, account, self.random.choice([0.59, 0.6, 0.9]))

    def step_back(self) -> None:
        """Move a deal to a late open stage and back to an early one."""
        deal = self._some(Opportunity, always=True)
        stages = list(Stage.objects.open().order_by("position"))
        if deal is None or len(stages) < 2:
            return
        for stage in (stages[-1], stages[0]):
            Opportunity.objects.filter(pk=deal.pk).update(stage=stage)

    def add_task(self) -> None:
        for _ in range(self.random.choice([1, 1, 3])):
            Task.objects.create(
                owner=self._person(), title=self._word(), lead=self._some(Lead),
                contact=self._some(Contact), opportunity=self._some(Opportunity),
                account=self._some(Account), status=self.random.choice(TaskStatus.values),
                due_on=self.random.choice([None, self._moment(ahead=20).date()]),
            )  # fmt: skip

    def add_contract(self) -> None:
        account = self._some(Account, always=True)
        if account is not None:
            Contract.objects.create(
                owner=self._person(), account=account, name=self._word(),
                starts_on=self._moment().date(),
                renews_on=self.random.choice([None, self._moment(ahead=120).date()]),
                outcome=self.random.choice(ContractOutcome.values),
            )  # fmt: skip

    # -- records change and go --

    def change(self) -> None:
        model = self.random.choice(list(self._changes()))
        record = self._some(model, always=True)
        if record is not None:
            model._default_manager.filter(pk=record.pk).update(**self._change_of(model))

    def change_many(self) -> None:
        model = self.random.choice(list(self._changes()))
        model._default_manager.order_by().update(**self._change_of(model))

    def remove(self) -> None:
        model = self.random.choice([Lead, Contact, Account, Opportunity, Activity, Task, Contract])
        record = self._some(model, always=True)
        if record is not None:
            record.delete()

    def score(self) -> None:
        prediction = self.random.choice(list(PREDICTIONS))
        record = self._some(PREDICTIONS[prediction], always=True)
        if record is not None:
            score = self.random.choice([0.1, 0.4, 0.69, 0.7, 0.95])
            self._score(prediction, record, score, days=self.random.choice([0, 0, 3, 13, 14]))

    def withdraw(self) -> None:
        """Take a model out of service: what it said is no longer the latest of anything."""
        retire_scores(self.random.choice(list(PREDICTIONS)), now=self.now)

    # -- records that are on file twice --

    def find_twins(self) -> None:
        """Find two records that may be the same, or find one more for the same survivor."""
        kind, other = self.random.choice(
            [(Lead, Lead), (Contact, Contact), (Contact, Lead), (Account, Account)]
        )
        survivor, duplicate = self._some(kind, always=True), self._some(other, always=True)
        if survivor is None or duplicate is None or survivor == duplicate:
            return
        if not Pair.objects.filter(key=key_of(ref_of(survivor), ref_of(duplicate))).exists():
            probability = self.random.choice(PROBABILITIES)
            make_pair(survivor, duplicate, probability, is_likely=probability > 0.6)

    def look_again(self) -> None:
        """Let a pair be decided, compared anew or turned round."""
        pair = self._some(Pair, always=True)
        if pair is None:
            return
        changes: list[dict[str, Any]] = [
            {"state": self.random.choice(PairState.values)},
            {"probability": self.random.choice(PROBABILITIES)},
            {"is_likely": not pair.is_likely},
        ]
        if pair.survivor_kind == pair.duplicate_kind:
            turned = {"survivor_id": pair.duplicate_id, "duplicate_id": pair.survivor_id}
            changes.append(turned)
        Pair.objects.filter(pk=pair.pk).update(**self.random.choice(changes))

    def merge(self) -> None:
        """Merge a record into another one, whether anybody had thought so or not."""
        model = self.random.choice([Lead, Contact, Account])
        merged, into = self._some(model, always=True), self._some(model, always=True)
        if merged is not None and merged != into and into.merged_at is None:
            model._default_manager.filter(pk=merged.pk).update(merged_into=into, merged_at=self.now)

    # -- the world around them --

    def set_trigger(self) -> None:
        trigger = self.random.choice(registry.all())
        fields = trigger.parameters_type.model_fields
        bounds = {
            name: [
                getattr(part, end)
                for part in field.metadata
                for end in ("ge", "le")
                if hasattr(part, end)
            ]
            for name, field in fields.items()
        }
        chosen = {
            name: self.random.choice([fields[name].default, *bounds[name]]) for name in fields
        }
        try:
            trigger.parse(chosen)
        except InvalidParametersError:
            chosen = {}
        TriggerSetting.objects.update_or_create(
            trigger=trigger.key,
            defaults={"is_enabled": self.random.random() < 0.8, "parameters": chosen},
        )

    def set_calendar(self) -> None:
        self.tenant.working_week = self.random.choice(["12345", "123456", "7"])
        self.tenant.holidays = [self._moment(ahead=10).date() for _ in range(3)]
        self.tenant.save(update_fields=["working_week", "holidays"])

    def wait(self) -> None:
        span = self.random.choice([1 / 24, 0.4, 1, 2, 3, 7, 15, 31, -0.5])
        self.now += timedelta(days=span * self.random.choice([0.5, 1, 1]))

    # -- choices --

    def _changes(self) -> dict[type[models.Model], dict[str, Callable[[], Any]]]:
        day = lambda: self._moment(ahead=60).date()  # noqa: E731 - one of a dozen
        choice = self.random.choice
        return {
            Lead: {"status": lambda: choice(LeadStatus.values), "owner": self._person,
                   "email": lambda: choice(ADDRESSES), "do_not_contact": self._rarely},
            Contact: {"account": lambda: self._some(Account), "owner": self._person,
                      "email": lambda: choice(ADDRESSES), "do_not_contact": self._rarely,
                      "phone": lambda: choice(["+49 30 1", "+49 30 2"]),
                      "email_status": lambda: choice(EmailStatus.values)},
            Opportunity: {"stage": self._stage, "owner": self._person, "expected_close_on": day,
                          "amount": lambda: choice([None, 900, 40_000]),
                          "account": lambda: self._some(Account),
                          "contact": lambda: self._some(Contact)},
            Activity: {"lead": lambda: self._some(Lead), "contact": lambda: self._some(Contact),
                       "opportunity": lambda: self._some(Opportunity), "occurred_at": self._moment,
                       "account": lambda: self._some(Account),
                       "direction": lambda: choice(Direction.values),
                       "activity_kind": lambda: choice(ActivityKind.values),
                       "counterpart_address": lambda: choice(ADDRESSES),
                       "subject": lambda: choice(TEXTS), "body": lambda: choice(TEXTS),
                       "stated_details": lambda: choice([{}, {"phone": "+49 30 2"}]),
                       "delivery": lambda: choice(Delivery.values)},
            Task: {"status": lambda: choice(TaskStatus.values), "due_on": day, "owner": self._person,
                   "lead": lambda: self._some(Lead), "contact": lambda: self._some(Contact),
                   "opportunity": lambda: self._some(Opportunity),
                   "account": lambda: self._some(Account)},
            Contract: {"outcome": lambda: choice(ContractOutcome.values), "renews_on": day,
                       "outcome_on": lambda: choice([None, self._moment(ahead=20).date()]),
                       "account": lambda: self._some(Account, always=True)},
            Account: {"owner": self._person, "name": self._word},
        }  # fmt: skip

    def _change_of(self, model: type[models.Model]) -> dict[str, Any]:
        field, value = self.random.choice(list(self._changes()[model].items()))
        return {field: value()}

    def _score(
        self, prediction: Prediction, record: Any, score_0_1: float, *, days: int = 0
    ) -> None:
        """Score a record, so many days ago, with the model in service or the one before."""
        write_scores(
            prediction, record.kind, Scored([record.pk], [score_0_1], asked=[record.pk]),
            version=f"{prediction}-{self.random.choice([1, 2, 2, 2])}",
            now=self.now - timedelta(days=days),
        )  # fmt: skip

    def _some(self, model: type[models.Model], *, always: bool = False) -> Any:
        if not always and self.random.random() < 0.45:
            return None
        keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
        # A few records attract most of what happens, so that conditions with counts are met.
        return model._default_manager.get(pk=self.random.choice(keys[-6:])) if keys else None

    def _person(self) -> User | None:
        return self.random.choice([None, *self.people])

    def _stage(self) -> Stage:
        return self.random.choice(list(Stage.objects.order_by("position")))

    def _moment(self, *, ahead: int = 5) -> datetime:
        """Mostly lately; sometimes long ago, sometimes ahead."""
        days = self.random.choice(
            [0, 0.01, 0.5, 1, 2, 3, 5, 8, 13, 14, 21, 30, 45, 60, 90, 120, 200, -1, -ahead]
        )
        return self.now - timedelta(days=days, minutes=self.random.randrange(600))

    def _rarely(self) -> bool:
        return self.random.random() < 0.15

    def _word(self) -> str:
        return f"Word {self.random.randrange(1000)}"


def clear_company() -> None:
    """Remove all records, settings and scores."""
    for model in record_models():
        if model.kind != RecordKind.PRODUCT:
            model._default_manager.all().delete()
    Pair.objects.all().delete()
    Score.objects.all().delete()
    TriggerSetting.objects.all().delete()
