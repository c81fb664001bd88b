"""Executes exported programs as somebody else would: where nothing of Heddle can be imported."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

WITHOUT = ("graphs", "backend", "ui", "msgspec", "jsonschema", "litestar", "piccolo", "nicegui")

DRIVER = f"""
import runpy, sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WITHOUT!r}:
            raise ModuleNotFoundError(f"{{name}} is not here")

sys.meta_path.insert(0, Nowhere())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def execute(
    program: str,
    folder: Path,
    inputs: dict[str, Any],
    *arguments: str,
    answers: str = "",
    environment: dict[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a program with these inputs, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.py").write_text(program)
    (folder / "inputs.json").write_text(json.dumps(inputs))
    command = [sys.executable, "-I", "-c", DRIVER, "program.py", "--inputs", "inputs.json"]
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        input=answers,
        capture_output=True,
        text=True,
        env=environment or {},
        timeout=120,
        check=False,
    )


def outputs_of(program: str, folder: Path, inputs: dict[str, Any], *arguments: str) -> Any:
    """What a program prints."""
    ended = execute(program, folder, inputs, *arguments)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
