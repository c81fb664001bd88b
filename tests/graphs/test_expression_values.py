"""What values look like in texts, and what functions make of numbers and dates."""

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.expressions import compile_value


def value(text: str, **names: Any) -> Any:
    return compile_value(text).resolve(names)


class TestNumbersInTexts:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("?page={{ 20 / 10 }}", "?page=2"),
            ("{{ 0.1 + 0.9 }} kg", "1 kg"),
            ("a{{ -4.0 }}", "a-4"),
            ("a{{ 1e20 }}", "a100000000000000000000"),
            ("a{{ 2.5 }}", "a2.5"),
            ("a{{ str(7.0) }}", "a7"),
            ("a{{ -0.0 }}", "a0"),
        ],
    )
    def test_whole_floats_have_no_point(self, text: str, expected: str) -> None:
        assert value(text) == expected

    @given(st.integers())
    def test_whole_numbers_of_any_size_keep_their_digits(self, number: int) -> None:
        assert value("{{ input.n }}", input={"n": number}) == number
        assert value("#{{ input.n }}", input={"n": number}) == f"#{number}"
        assert value("{{ [input.n] }}", input={"n": number}) == [number]

    @given(st.integers(-(2**500), 2**500), st.integers(-(2**500), 2**500))
    def test_sums_and_products_are_exact(self, left: int, right: int) -> None:
        names = {"input": {"a": left, "b": right}}
        assert compile_value("{{ input.a + input.b }}").resolve(names) == left + right
        assert compile_value("{{ input.a * input.b }}").resolve(names) == left * right

    def test_numbers_without_end_are_refused(self) -> None:
        for text in ("2 ** 2000", "int('1e999')", "9" * 400):
            with pytest.raises((ExpressionBudgetError, ExpressionError), match="too large"):
                value("{{ " + text + " }}")


class TestCurrencyAndEscapes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Total: ${{ input.p }}", "Total: $12"),
            ("${{ input.p }}", "$12"),
            ("US$ {{ input.p }}, US${{input.p}}", "US$ 12, US$12"),
            ("$${input.p}", "$12"),
            ("${ {'a': input.p}.a }", 12),
            (r"\${HOME} and ${input.p}", "${HOME} and 12"),
            (r"\${HOME}", "${HOME}"),
            (r"C:\files\{{ input.p }}", r"C:\files\12"),
            ("{{ '{{' }}x{{ '}}' }}", "{{x}}"),
        ],
    )
    def test_a_dollar_before_braces(self, text: str, expected: Any) -> None:
        assert value(text, input={"p": 12}) == expected


class TestNames:
    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    @pytest.mark.parametrize("written", ["NFC", "NFD"])
    @pytest.mark.parametrize("path", ["input.{}", "input['{}']", "[input][0].{}", "input.a.{}"])
    def test_letters_with_marks_are_found_however_composed(
        self, form: Any, written: Any, path: str
    ) -> None:
        name = "Größe_Zoë"
        data = {unicodedata.normalize(form, name): 5}
        source = path.format(unicodedata.normalize(written, name))
        assert value("{{ " + source + " }}", input={**data, "a": data}) == 5

    def test_the_exact_name_wins(self) -> None:
        data = {unicodedata.normalize("NFD", "é"): 1, "é": 2}
        assert value("{{ input['é'] }}", input=data) == 2


class TestReadingNumbers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("int('12.7')", 12),
            ("int(' -3.99 ')", -3),
            ("int('1e3')", 1000),
            ("int('34043416109404255712')", 34043416109404255712),
            ("int('9007199254740993.5')", 9007199254740993),
            ("int(7.9)", 7),
            ("int(true)", 1),
            ("float('1.5')", 1.5),
            ("float('.5')", 0.5),
            ("float('1.234,56', point=',')", 1234.56),
            ("float('1 234 567,5', point=',')", 1234567.5),
            ("float('-0,5', point=',')", -0.5),
            ("int('1.234', point=',')", 1234),
            ("float('12', point=',')", 12.0),
        ],
    )
    def test_texts_as_numbers(self, text: str, expected: Any) -> None:
        found = value("{{ " + text + " }}")
        assert (found, type(found)) == (expected, type(expected))

    @pytest.mark.parametrize(
        "text",
        [
            "int('1_000')",
            "float('1,5')",
            "float('1.5', point=',')",
            "float('1.2.3', point=',')",
            "float('12.34,5', point=',')",
            "float('', point=',')",
            "float('1', point=';')",
            "int('')",
            "int('0x10')",
            "int('٣')",
            "float('inf')",
        ],
    )
    def test_what_is_no_number_is_said(self, text: str) -> None:
        with pytest.raises(ExpressionError, match=r"cannot read|decimal signs"):
            value("{{ " + text + " }}")


class TestFormatNumber:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            ("1234567.891, 2, '.'", "1.234.567,89"),
            ("1234567.891, 2", "1,234,567.89"),
            ("1234567.891, 2, ' ', ','", "1 234 567,89"),
            ("1234567.891, 2, '', ','", "1234567,89"),
            ("1234567.891, 0, '.'", "1.234.568"),
            ("2.675, 2", "2.68"),
            ("0.5", "1"),
            ("-0.001, 2", "0.00"),
            ("34043416109404255712, 1, '.'", "34.043.416.109.404.255.712,0"),
        ],
    )
    def test_signs_and_rounding(self, call: str, expected: str) -> None:
        assert value("{{ format_number(" + call + ") }}") == expected

    def test_one_sign_for_both_is_refused(self) -> None:
        with pytest.raises(ExpressionError, match="both thousands and decimals"):
            value("{{ format_number(1234.5, 1, ',', ',') }}")

    @given(st.decimals(-(10**12), 10**12, places=4), st.integers(0, 4))
    def test_it_is_the_number_again(self, number: Decimal, places: int) -> None:
        names = {"input": {"n": float(number), "places": places}}
        text = compile_value("{{ format_number(input.n, input.places, '.') }}").resolve(names)
        back = Decimal(text.replace(".", "").replace(",", "."))
        assert abs(back - Decimal(repr(float(number)))) <= Decimal(5).scaleb(-places - 1)


class TestDates:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            ("format_date('2024-07-01T22:30:00Z', '%Y-%m-%d', 'Europe/Oslo')", "2024-07-02"),
            ("format_date('2024-07-01T22:30:00Z', '%H:%M', zone='America/New_York')", "18:30"),
            ("in_zone('2024-01-01T00:00:00Z', 'Asia/Kolkata')", "2024-01-01T05:30:00+05:30"),
            ("format_date('2024-07-01', '%d.%m.%Y', 'America/New_York')", "01.07.2024"),
            ("format_date('2024-07-01T00:00', '%d.%m.%Y', 'America/New_York')", "30.06.2024"),
            ("in_zone('2024-07-01', 'America/New_York')", "2024-07-01T00:00:00-04:00"),
            ("date_add('2024-03-31', 1, 'days', 'Europe/Oslo')", "2024-04-01T00:00:00+02:00"),
            ("in_zone('2024-07-02T00:30:00+02:00', 'UTC')", "2024-07-01T22:30:00Z"),
            ("date_add('2024-01-31', 1, 'months')", "2024-02-29"),
            ("date_add('2023-01-31', 1, 'months')", "2023-02-28"),
            ("date_add('2024-02-29', 1, 'years')", "2025-02-28"),
            ("date_add('2024-11-30', 1, 'quarters')", "2025-02-28"),
            ("date_add('2024-03-31', -1, 'months')", "2024-02-29"),
            ("date_add('2024-03-31T10:00:00Z', 1, 'months')", "2024-04-30T10:00:00Z"),
            (
                "date_add('2024-03-30T12:00:00Z', 1, 'days', 'Europe/Oslo')",
                "2024-03-31T13:00:00+02:00",
            ),
            (
                "date_add('2024-03-30T12:00:00Z', 24, 'hours', 'Europe/Oslo')",
                "2024-03-31T14:00:00+02:00",
            ),
            ("date_diff('2024-03-31', '2024-02-29', 'months')", 1),
            ("date_diff('2024-03-30', '2024-01-31', 'months')", 1),
            ("date_diff('2024-01-31', '2024-03-30', 'months')", -1),
            ("date_diff('2025-02-27', '2020-02-29', 'years')", 4),
            ("parse_date('31.12.2024', '%d.%m.%Y')", "2024-12-31"),
            ("parse_date('12/31/2024', '%m/%d/%Y')", "2024-12-31"),
            ("parse_date('05 Jan 24', '%d %b %y')", "2024-01-05"),
            (
                "parse_date('01.07.2024 10:00', '%d.%m.%Y %H:%M', 'Europe/Oslo')",
                "2024-07-01T10:00:00+02:00",
            ),
            (
                "parse_date('2024-07-01 10:00 +0500', '%Y-%m-%d %H:%M %z')",
                "2024-07-01T10:00:00+05:00",
            ),
        ],
    )
    def test_zones_months_and_forms(self, call: str, expected: Any) -> None:
        assert value("{{ " + call + " }}") == expected

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            ("in_zone('2024-01-01', 'Mars/Olympus')", "no time zone 'Mars/Olympus'"),
            ("in_zone('2024-01-01', '../../etc/passwd')", "no time zone"),
            ("in_zone('0001-01-01T00:00:00Z', 'America/New_York')", "beyond the calendar"),
            ("now('')", "no time zone"),
            ("parse_date('31.13.2024', '%d.%m.%Y')", "cannot read '31.13.2024'"),
            ("format_date('31.12.2024')", "parse_date"),
            ("date_add('2024-01-01', 1.5, 'months')", "a whole number of months"),
            ("date_add('2024-01-01', 10 ** 9, 'years')", "beyond the calendar"),
            ("date_add('2024-01-01', 1, 'fortnights')", "there is no unit"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, call: str, said: str) -> None:
        with pytest.raises(ExpressionError, match=said):
            value("{{ " + call + " }}")

    @given(st.dates(), st.integers(-1200, 1200))
    def test_a_month_later_is_in_the_next_month(self, day: Any, months: int) -> None:
        total = day.year * 12 + day.month - 1 + months
        if not 12 <= total < 9999 * 12:
            return
        names = {"input": {"day": day.isoformat(), "months": months}}
        moved = compile_value("{{ date_add(input.day, input.months, 'months') }}").resolve(names)
        assert (int(moved[:4]), int(moved[5:7])) == (total // 12, total % 12 + 1)
        assert int(moved[8:]) <= day.day
