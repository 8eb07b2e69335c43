"""Money: integers of a currency's minor unit, and the rounding that keeps them so.

Currencies and their decimals are ISO 4217's. Rounding is half to even throughout.
No float ever becomes money.
"""

import re
from fractions import Fraction
from functools import lru_cache

MINOR_MAX = 2**53 - 1
"""The largest amount anywhere (minor units): what a JSON integer carries exactly."""

_DECIMALS_OTHER_THAN_TWO = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT "
    "LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
    "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED "
    "VES WST XCD YER ZAR ZMW"
)
CURRENCY_DECIMALS: dict[str, int] = dict.fromkeys(_TWO.split(), 2) | {
    code: decimals for decimals, codes in _DECIMALS_OTHER_THAN_TWO.items() for code in codes.split()
}
"""Decimals by ISO 4217 code."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,6}))?")


class MoneyError(ValueError):
    """Text that is no amount of the currency. ``code`` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code = code


@lru_cache(maxsize=4_096)  # the same rates and round sums come again and again
def parse_minor(text: str, decimals: int) -> int:
    """Minor units of ``"200"`` or ``"200.50"`` in a currency with ``decimals`` decimals.

    Raises `MoneyError`: ``not_money`` (no plain decimal: signs, exponents, blanks and
    leading zeros are refused), ``too_many_decimals``, ``amount_too_large``.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise MoneyError("not_money", f"{text!r} is no amount of money")
    whole, fraction = found[1], found[2] or ""
    if len(fraction) > decimals:
        raise MoneyError(
            "too_many_decimals", f"{text!r} has more decimals than the currency's {decimals}"
        )
    minor = int(whole + fraction.ljust(decimals, "0"))
    if minor > MINOR_MAX:
        raise MoneyError("amount_too_large", f"{text!r} is more than any amount may be")
    return minor


@lru_cache(maxsize=16_384)  # a decision shows a dozen amounts, mostly ones shown before
def format_minor(minor: int, decimals: int) -> str:
    """The amount with all its decimals: ``15000`` is ``"150.00"`` in dollars."""
    if decimals == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def scale(minor: int, factor: Fraction) -> int:
    """``minor × factor``, rounded half to even to a whole minor unit."""
    return round(minor * factor)


def percent(minor: int, share: Fraction | int) -> int:
    """``share`` percent of ``minor``, rounded half to even."""
    # As `scale` would, without a fraction made for each amount: limits are computed this way.
    hundred = 100 * share.denominator
    whole, rest = divmod(minor * share.numerator, hundred)
    beyond_half = 2 * rest - hundred
    return whole + 1 if beyond_half > 0 or (beyond_half == 0 and whole & 1) else whole


def convert(minor: int, *, decimals: int, rate: Fraction, to_decimals: int) -> int:
    """An amount in another currency, where ``rate`` is the worth of one major unit of the first."""
    return round(minor * rate * Fraction(10**to_decimals, 10**decimals))
