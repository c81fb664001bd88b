"""Names of files in a workspace, and the only way from a name to a path."""

import unicodedata
from pathlib import Path

MAX_NAME_CHARS = 1000
MAX_PART_BYTES = 255

_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
# direction marks, embeddings, overrides and isolates, spaces without width, tags: a name such as
# `invoice[override]fdp.exe` reads as another; joiners stay, which scripts and emoji need
_MISLEADING = frozenset(
    map(
        chr,
        (
            *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2070),
            *range(0xFFF9, 0xFFFC),
            *range(0xE0000, 0xE0020),
        ),
    )
)


class BadName(ValueError):
    """The name cannot be that of a file; the message says why."""


def clean(name: str) -> str:
    """The name as it is kept: parts joined by `/`, composed Unicode. Raises BadName."""
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise BadName("A file needs a name.")
    if len(name) > MAX_NAME_CHARS:
        raise BadName(f"A name has at most {MAX_NAME_CHARS} characters.")
    if "\\" in name:
        raise BadName("Write / between folders, not \\.")
    if any(unicodedata.category(character) in _UNSEEN for character in name):
        raise BadName("A name has no control characters.")
    if any(character in _MISLEADING for character in name):
        raise BadName("A name has no characters that turn its direction or cannot be seen.")
    parts = name.split("/")
    if any(part.strip() in ("", ".", "..") for part in parts):
        raise BadName("Name a file within the workspace, such as reports/july.csv.")
    if any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        raise BadName(f"Each part of a name has at most {MAX_PART_BYTES} bytes.")
    return name


def path_of(root: Path, name: str) -> Path:
    """Where the file of that name is or would be. Raises BadName, for symbolic links too."""
    path = root
    for part in clean(name).split("/"):
        path = path / part
        if path.is_symlink():
            raise BadName("The name leads out of the workspace.")
    return path
