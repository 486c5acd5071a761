import pytest

from safemigrate.rulekit import MONEY_WORDS, OTHER_WORDS, names_money


@pytest.mark.parametrize(
    "column",
    [
        "amount",
        "net_amount",
        "grossAmount",
        "VATTotal",
        "Unit Price",
        "fees",
        "salaries",
        "taxes",
        "price_per_day",
        "price_2030",
        "credit_limit",
        "total",
    ],
)
def test_a_whole_word_of_the_name_says_money(column: str) -> None:
    assert names_money(column)


@pytest.mark.parametrize(
    "column",
    [
        "coffee",
        "priceless",
        "feedback",
        "syntax",
        "tax_rate",
        "discountPercent",
        "credit_score",
        "invoice_count",
        "payment_ids",
        "costRatio",
        "height",
        "charge_kwh",
        "payment_lat",
        "amount_ml",
        "chargeKWh",
        "deposit_longitude",
        "total_kilometres",
        "per_price",
        "",
        "42",
    ],
)
def test_another_word_does_not(column: str) -> None:
    assert not names_money(column)


def test_no_word_says_both() -> None:
    assert not MONEY_WORDS & OTHER_WORDS
