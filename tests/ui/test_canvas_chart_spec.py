"""The canvas refuses the same specifications of charts as the server."""

import re
from pathlib import Path
from typing import get_args

import msgspec

import ui.canvas
from graphs.tables import chart_spec

SOURCE = (Path(ui.canvas.__file__).parent / "src/panels/data/chartSpec.ts").read_text("utf-8")


def test_every_part_has_the_same_members() -> None:
    listed = SOURCE.split("PARTS", 1)[1].split("\n}\n", 1)[0]
    parts = {
        part: {member.split(":")[0] for member in re.findall(r"'([^']+)'", members)}
        for part, members in re.findall(r"(\w+): \[(.*?)\]", listed, re.S)
    }
    ours = {
        name: {field.encode_name for field in msgspec.structs.fields(kind)}
        for name, kind in vars(chart_spec).items()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__module__ == chart_spec.__name__
        and not name.startswith("_")
    }
    assert parts == ours


def test_as_many_rows() -> None:
    (rows,) = re.findall(r"MAX_ROWS = ([\d_]+)", SOURCE)
    assert int(rows) == chart_spec.MAX_ROWS


def test_the_same_marks() -> None:
    (listed,) = re.findall(r"MARKS = \[(.*?)\]", SOURCE, re.S)
    (field,) = (each for each in msgspec.structs.fields(chart_spec.Mark) if each.name == "type")
    assert set(re.findall(r"'(\w+)'", listed)) == set(get_args(field.type))
