"""What every area is given: a directory, how much effort to make, and where figures go."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.table import Figure


@dataclass(frozen=True)
class Area:
    """`quick` asks for figures that only show that everything works."""

    directory: Path
    quick: bool = False
    figures: dict[str, Figure] = field(default_factory=dict)
    """What was found so far, by the row's key; it stays when something later goes wrong."""

    def found(self, key: str, value: float, detail: str = "") -> None:
        """Fill in a row of the table."""
        self.figures[key] = Figure(value, detail)
        say(f"  {key} {value:.2f}{f' ({detail})' if detail else ''}")

    def times(self, count: int, at_least: int = 1) -> int:
        """How often to do something: a tenth of `count` when in a hurry."""
        return max(count // 10, at_least) if self.quick else count

    def place(self, name: str) -> Path:
        """A new directory within the area's own."""
        path = self.directory / name
        path.mkdir()
        return path


def say(text: str) -> None:
    """Tell whoever waits how far things are, apart from the table."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
