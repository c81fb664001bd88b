"""The colours: readable by the rules of WCAG AA in both themes."""

import re

import pytest

from ui.theme import ASSETS, TOKENS, tokens_css

TEXT = ["text", "muted", "link", "ok", "error", "warn", "running"]
GROUNDS = ["bg", "card", "raised"]
SOFT = ["ok", "error", "warn", "running"]
CATEGORIES = ["flow", "data", "tables", "ai", "integration"]
THEMES = list(TOKENS)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(theme: str, one: str, other: str) -> float:
    pair = sorted((luminance(TOKENS[theme][one]), luminance(TOKENS[theme][other])))
    return (pair[1] + 0.05) / (pair[0] + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXT)
def test_text_is_readable(theme: str, ground: str, text: str) -> None:
    assert contrast(theme, text, ground) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", SOFT)
def test_text_on_its_soft_ground_is_readable(theme: str, name: str) -> None:
    assert contrast(theme, name, f"{name}-soft") >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_and_chosen_entries_are_readable(theme: str) -> None:
    assert contrast(theme, "on-accent", "accent") >= 4.5
    assert contrast(theme, "link", "accent-soft") >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "card"])
@pytest.mark.parametrize("part", ["control", "edge", *CATEGORIES])
def test_controls_and_drawings_can_be_made_out(theme: str, ground: str, part: str) -> None:
    assert contrast(theme, part, ground) >= 3


def test_both_themes_have_the_same_tokens() -> None:
    assert TOKENS["light"].keys() == TOKENS["dark"].keys()
    assert tokens_css().count("--wf-bg:") == 2


def test_styles_use_only_tokens_that_exist() -> None:
    css = (ASSETS / "theme.css").read_text()
    used = set(re.findall(r"var\(--wf-([a-z-]+)", css))
    assert used <= TOKENS["light"].keys()
