"""A person's file name as the last part of a key."""

import re
import unicodedata
from pathlib import PurePosixPath


def portable(file_name: str) -> str:
    """The name as part of a key: the last part of a path, in ASCII letters, digits, ``.``, ``_`` and ``-``.

    The extension is kept; at most 117 characters; never empty, and never begins with a dot.
    """
    path = PurePosixPath(file_name.replace("\\", "/"))
    stem = _ascii(path.stem)[:100] or "upload"
    extension = _ascii(path.suffix)[:16]
    return f"{stem}.{extension}" if extension else stem


def _ascii(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip(".-")
