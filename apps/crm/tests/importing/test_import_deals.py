"""Importing deals: the demo's own files, and exports of HubSpot and Salesforce."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Count, Sum

from apps.conftest import Cast
from apps.crm.enums import DealOutcome, RecordKind
from apps.crm.importing.exceptions import MappingError
from apps.crm.importing.services import import_file
from apps.crm.models import Account, Contact, Opportunity, Product, Stage
from apps.crm.tests.factories import AccountFactory, ContactFactory, ProductFactory
from apps.crm.tests.importing.files import ACTOR, import_text
from apps.tenants.models import Tenant
from apps.users.tests.factories import UserFactory

MAVEN = settings.BASE_DIR / "apps/operations/demo/data/maven"
DEALS = RecordKind.OPPORTUNITY


@pytest.fixture
def maven(acme: Tenant) -> None:
    """Accounts, products and one of the sales agents are there; the other 29 are not."""
    UserFactory(username="darcel", first_name="Darcel", last_name="Schlecht")
    import_file(kind="accounts", path=MAVEN / "accounts.csv", actor=ACTOR)
    import_file(kind="products", path=MAVEN / "products.csv", actor=ACTOR)


def test_the_maven_accounts_have_parents_revenue_in_full_and_a_custom_field(maven: None) -> None:
    assert Account.objects.count() == 85
    bluth = Account.objects.get(name="Bluth Company")
    assert bluth.parent is not None
    assert (bluth.parent.name, bluth.annual_revenue, bluth.employees, bluth.location) == (
        "Acme Corporation",
        Decimal(1_242_320_000),
        3027,
        "United States",
    )
    assert bluth.attributes == {"year_established": 1993}
    assert Account.objects.exclude(parent=None).count() == 15


def test_all_maven_deals_come_in(maven: None) -> None:
    summary = import_file(kind="opportunities", path=MAVEN / "sales_pipeline.csv", actor=ACTOR)
    assert (summary.rows_total, summary.rows_created, summary.rows_refused) == (8800, 8800, 0)
    assert summary.source == "maven"
    by_outcome = (
        Opportunity.objects.values_list("outcome").annotate(Count("id")).order_by("outcome")
    )
    assert list(by_outcome) == [("lost", 2473), ("open", 2089), ("won", 4238)]
    assert Opportunity.objects.filter(account=None).count() == 1425
    assert Opportunity.objects.filter(product=None).count() == 0
    assert Opportunity.objects.filter(product__name="GTX Pro").count() == 1480


def test_the_value_at_closing_counts_only_for_won_deals(maven: None) -> None:
    import_file(kind="opportunities", path=MAVEN / "sales_pipeline.csv", actor=ACTOR)
    won = Opportunity.objects.filter(outcome=DealOutcome.WON)
    assert won.aggregate(total=Sum("amount"))["total"] == Decimal("10005534.00")
    for outcome in (DealOutcome.LOST, DealOutcome.OPEN):
        for name, price in Product.objects.values_list("name", "price"):
            deals = Opportunity.objects.filter(outcome=outcome, product__name=name)
            assert set(deals.values_list("amount", flat=True)) <= {price}


def test_a_maven_deal_in_full(maven: None) -> None:
    summary = import_file(kind="opportunities", path=MAVEN / "sales_pipeline.csv", actor=ACTOR)
    deal = Opportunity.objects.get(source="maven", external_id="Z063OYW0")
    assert deal.owner is not None
    assert (deal.name, deal.stage.key, deal.amount, deal.currency) == (
        "Isdom GTX Pro",
        "won",
        Decimal(4514),
        "USD",
    )
    assert (deal.owner.username, deal.opened_on, deal.closed_on) == (
        "darcel",
        date(2016, 10, 25),
        date(2017, 3, 11),
    )
    # The day begins at midnight in the company's zone.
    assert deal.stage_entered_at == datetime(2017, 3, 10, 23, 0, tzinfo=UTC)
    unowned = Opportunity.objects.filter(owner=None).count()
    assert (unowned, summary.rows_warned) == (8800 - 747, 8800 - 747)


def test_a_deal_without_an_account_is_called_by_product_and_id(maven: None) -> None:
    import_file(kind="opportunities", path=MAVEN / "sales_pipeline.csv", actor=ACTOR)
    assert Opportunity.objects.get(external_id="HAXMC4IX").name == "MG Advanced · HAXMC4IX"


HUBSPOT = (
    "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date,"
    "Associated Company IDs (Primary),Associated Company (Primary),Associated Contact,Zodiac\n"
    "901,Roof for Isdom,Contract Sent,2026-12-31 10:00,Rita Rep,\"$4,514.00\",2026-02-01 09:00,77,Isdom,"
    "Ada King (ada@isdom.example),Leo\n"
    "902,Won one,Closed Won,2026-01-15 10:00,rep@acme.test,100,2025-12-01 09:00,,Isdom,,\n"
    "903,Lost one,closedlost,2026-01-15 10:00,nobody@acme.test,,2025-12-01 09:00,,Unknown Ltd,,\n"
)  # fmt: skip


def test_a_hubspot_export(cast: Cast, tmp_path: Path) -> None:
    isdom = AccountFactory(name="Isdom", source="hubspot", external_id="77")
    AccountFactory(name="Isdom", source="", external_id="")
    ada = ContactFactory(email="ada@isdom.example")
    summary = import_text(tmp_path, DEALS, HUBSPOT)
    assert (summary.source, summary.rows_created, summary.rows_refused, summary.rows_warned) == (
        "hubspot",
        3,
        0,
        1,
    )
    deal, won, lost = Opportunity.objects.order_by("external_id")
    assert (deal.name, deal.account, deal.contact, deal.owner) == (
        "Roof for Isdom",
        isdom,
        ada,
        cast.rep,
    )
    assert (deal.amount, deal.expected_close_on, deal.closed_on) == (
        Decimal(4514),
        date(2026, 12, 31),
        None,
    )
    assert (deal.stage.label, deal.outcome) == ("Contract Sent", "open")
    assert deal.attributes == {}
    # Of two accounts with one name, the one from the same source is meant.
    assert (won.account, won.owner, won.closed_on, won.stage.key) == (
        isdom,
        cast.rep,
        date(2026, 1, 15),
        "won",
    )
    assert (lost.account, lost.owner, lost.amount, lost.stage.key) == (None, None, None, "lost")
    assert "Columns not imported: “Zodiac”." in summary.notes


def test_an_unknown_stage_is_added_before_the_closing_ones(cast: Cast, tmp_path: Path) -> None:
    summary = import_text(
        tmp_path, DEALS, "id,name,stage\n1,A,Demo booked\n2,B,demo-booked\n3,C,Proposal\n"
    )
    stages = list(Stage.objects.order_by("position").values_list("label", "outcome"))
    assert stages == [
        ("Prospecting", "open"), ("Engaging", "open"), ("Proposal", "open"), ("Negotiation", "open"),
        ("Demo booked", "open"), ("Won", "won"), ("Lost", "lost"),
    ]  # fmt: skip
    assert list(Stage.objects.values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6, 7]
    assert "The stage “Demo booked” did not exist and is added (open)." in summary.notes
    counts = (
        Opportunity.objects.values_list("stage__label")
        .annotate(Count("id"))
        .order_by("stage__label")
    )
    assert list(counts) == [("Demo booked", 2), ("Proposal", 1)]


def test_a_column_that_cannot_be_the_stage_is_refused(acme: Tenant, tmp_path: Path) -> None:
    rows = "".join(f"{number},Deal {number},Phase {number}\n" for number in range(40))
    with pytest.raises(MappingError, match="The stage column has 40 stages that do not exist yet"):
        import_text(tmp_path, DEALS, "id,name,stage\n" + rows)
    assert (Stage.objects.count(), Opportunity.objects.count()) == (6, 0)


def test_a_salesforce_export_and_its_report_mean_the_same_deal(
    acme: Tenant, tmp_path: Path
) -> None:
    export = (
        "Id,AccountId,Name,StageName,Amount,CloseDate,IsDeleted\n"
        "0061a00000DlaDiAAJ,0011a00000DlaDiAAJ,Roof,Proposal,100,2026-12-31,false\n"
    )
    report = (
        "Opportunity ID,Account ID,Opportunity Name,Stage,Amount,Close Date\n"
        "0061a00000DlaDi,0011a00000DlaDi,Roof,Negotiation,150,12/31/2026\n"
        "\n\"Open deals\"\n\"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.\"\n"
    )  # fmt: skip
    account = AccountFactory(source="salesforce", external_id="0011a00000DlaDiAAJ")
    first = import_text(tmp_path, DEALS, export)
    second = import_text(tmp_path, DEALS, report)
    assert (first.rows_created, second.rows_created, second.rows_changed) == (1, 0, 1)
    assert "2 lines below the table were left out." in second.notes
    deal = Opportunity.objects.get()
    assert (deal.account, deal.amount, deal.stage.key) == (account, Decimal(150), "negotiation")


def test_a_deal_that_is_open_again_has_no_closing_day(acme: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, DEALS, "id,name,stage,close date\n1,A,Won,2026-01-15\n")
    import_text(tmp_path, DEALS, "id,name,stage,close date\n1,A,Proposal,2026-06-30\n")
    deal = Opportunity.objects.get()
    assert (deal.outcome, deal.closed_on, deal.expected_close_on) == (
        "open",
        None,
        date(2026, 6, 30),
    )


def test_a_products_price_fills_in_an_amount_but_replaces_none(
    acme: Tenant, tmp_path: Path
) -> None:
    ProductFactory(name="GTX Pro", price=Decimal(4821), currency="EUR")
    text = "id,name,stage,product\n1,A,Proposal,gtx-pro\n"
    import_text(tmp_path, DEALS, text)
    deal = Opportunity.objects.get()
    assert (deal.amount, deal.currency) == (Decimal(4821), "EUR")
    Opportunity.objects.update(amount=Decimal(4000))
    assert import_text(tmp_path, DEALS, text).rows_unchanged == 1
    assert Opportunity.objects.get().amount == Decimal(4000)


def test_the_sign_beside_an_amount_is_its_currency(acme: Tenant, tmp_path: Path) -> None:
    text = (
        "id;name;stage;amount\n1;A;Proposal;1.234,56 €\n2;B;Proposal;$ 1.000\n3;C;Proposal;5,00\n"
        "4;D;Proposal;£7\n"
    )
    import_text(tmp_path, DEALS, text)
    deals = Opportunity.objects.order_by("external_id").values_list("amount", "currency")
    assert list(deals) == [
        (Decimal("1234.56"), "EUR"),
        (Decimal(1000), "USD"),
        (Decimal(5), "USD"),
        (Decimal(7), "GBP"),
    ]


def test_a_contact_is_found_by_name_or_address(acme: Tenant, tmp_path: Path) -> None:
    ada = ContactFactory(first_name="Ada", last_name="King", email="ada@isdom.example")
    ContactFactory(first_name="Bo", last_name="Twin")
    ContactFactory(first_name="Bo", last_name="Twin")
    text = "id,name,stage,contact\n1,A,Won,ada king\n2,B,Won,ADA@isdom.example\n3,C,Won,Bo Twin\n4,D,Won,Cy\n"
    summary = import_text(tmp_path, DEALS, text)
    deals = list(Opportunity.objects.order_by("external_id").values_list("contact_id", flat=True))
    assert deals == [ada.pk, ada.pk, None, None]
    assert (summary.rows_warned, Contact.objects.count()) == (2, 3)
