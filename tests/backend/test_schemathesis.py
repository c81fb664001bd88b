"""Schemathesis tries every operation of a real server by the OpenAPI document alone.

Boundary values and their violations, the same ones each time: no 5xx, no undocumented status,
media type or body, nothing accepted that the document forbids.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.live_server import LiveServer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
LOCKS_ITSELF_OUT = ("changePassword", "updateUser", "deleteUser", "logout")
AT_MOST_S = 20


def test_the_server_does_what_its_document_says(live_server: LiveServer, tmp_path: Path) -> None:
    without = [word for name in LOCKS_ITSELF_OUT for word in ("--exclude-operation-id", name)]
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{live_server.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {live_server.token()}"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage", "--generation-deterministic"),
            *("--max-time", str(AT_MOST_S), "--no-color", "--warnings", "off"),
            *without,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    tried = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert tried, done.stdout
    assert int(tried[1]) == int(tried[2]) > 500
    assert "Traceback" not in live_server.log
