"""The functions that the canvas offers in expression fields are those of the language."""

import re
from pathlib import Path

import graphs.expressions  # noqa: F401  (fills FUNCTIONS)
import ui.canvas
from graphs.language.functions.registry import FUNCTIONS

SOURCE = Path(ui.canvas.__file__).parent / "src/panels/functions.ts"
TEXT = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")"""
ENTRY = re.compile(rf"name: {TEXT},\s*signature: {TEXT},\s*help:\s*{TEXT}")


def test_the_canvas_offers_every_function_with_its_signature_and_help():
    offered = {
        (single or double): (
            (signature_single or signature_double),
            (help_single or help_double).replace("\\'", "'").replace('\\"', '"'),
        )
        for single, double, signature_single, signature_double, help_single, help_double in (
            ENTRY.findall(SOURCE.read_text("utf-8"))
        )
    }
    assert offered == {
        name: (str(function.signature), function.help.splitlines()[0].strip())
        for name, function in FUNCTIONS.items()
    }
