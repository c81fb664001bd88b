"""How times, durations, numbers and money are written on the pages."""

from datetime import UTC, datetime

from markupsafe import Markup

_UNITS = ((60, "min", 60), (3600, "h", 24), (86400, "d", 30), (2592000, "mo", 12))


def ago(moment: datetime | None, now: datetime | None = None) -> Markup:
    """A `<time>` such as `3 min ago`; the browser keeps it true and shows the local time on it."""
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}" data-ago>{}</time>').format(
        moment.isoformat(), ago_text(moment, now or datetime.now(UTC))
    )


def ago_text(moment: datetime, now: datetime) -> str:
    """`just now`, `3 min ago`, `2 h ago`, `5 d ago`, `4 mo ago`, or a year and month."""
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds < 60:
        return "just now"
    for size, name, many in _UNITS:
        if seconds / size < many:
            return f"{int(seconds // size)} {name} ago"
    return moment.strftime("%b %Y")


def until(moment: datetime | None, now: datetime | None = None) -> Markup:
    """A `<time>` such as `in 3 min` or `overdue`; the browser keeps it true."""
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}" data-until>{}</time>').format(
        moment.isoformat(), until_text(moment, now or datetime.now(UTC))
    )


def until_text(moment: datetime, now: datetime) -> str:
    """`overdue`, `in less than a minute`, `in 3 min`, `in 2 h`, `in 5 d`, or a year and month."""
    seconds = (moment - now).total_seconds()
    if seconds <= 0:
        return "overdue"
    if seconds < 60:
        return "in less than a minute"
    for size, name, many in _UNITS:
        if seconds / size < many:
            return f"in {int(seconds // size)} {name}"
    return moment.strftime("in %b %Y")


def at(moment: datetime | None) -> Markup:
    """A `<time>` with day and time; in UTC until the browser has made it local."""
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}" data-at>{}</time>').format(
        moment.isoformat(), moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    )


def duration(ms: int | None) -> str:
    """`340 ms`, `1.2 s`, `2 min 5 s`, `3 h 10 min`."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    seconds = ms // 1000
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def size(count: int) -> str:
    """`340 B`, `1.2 KB`, `5 GB`; a KB has 1,024 bytes, as file managers have it."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def amount(count: int, one: str, many: str | None = None) -> str:
    """`1 node`, `1,204 nodes`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def trigger_word(trigger: str) -> str:
    """Why a run began, as a word."""
    return "API" if trigger == "api" else trigger.capitalize()


def money(usd: str | None) -> str:
    """US dollars with as many places as are needed to see something."""
    if usd is None:
        return ""
    value = float(usd)
    return f"${value:.2f}" if value >= 1 or value == 0 else f"${value:.4f}"
