"""Data as the inbox shows it."""

from ui.data_view import data_html

CHART = {"$chart": "vega-lite", "title": "Sums", "spec": {"description": "Bars of sums"}}


def test_a_chart_is_a_picture_for_either_theme() -> None:
    shown = data_html(CHART, picture="/chart?format=svg")
    assert shown.count("<img") == shown.count('alt="Bars of sums"') == shown.count("lazy") == 2
    assert 'src="/chart?format=svg"' in shown
    assert 'src="/chart?format=svg&amp;theme=dark"' in shown


def test_a_chart_without_a_picture_is_named() -> None:
    assert "Sums" in data_html(CHART)
    assert "<img" not in data_html(CHART)
