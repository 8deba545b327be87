"""File names from strangers, as text and as part of a key."""

import re

import pytest

from functions.api.file_names import portable
from functions.core.identity import displayed


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("boat.jpg", "boat.jpg"),
        ("my holiday (1).JPG", "my-holiday-1.JPG"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\boat.jpg", "boat.jpg"),
        ("boat.jpg\x00.exe", "boat.jpg.exe"),
        ("boat\u202egpj.exe", "boatgpj.exe"),
        ("Übergröße.png", "Ubergroe.png"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("\N{SAILBOAT}.webp", "upload.webp"),
        ("photo.\N{SAILBOAT}", "photo"),
        (".jpg", "jpg"),
        ("..", "upload"),
        ("", "upload"),
        ("///", "upload"),
    ],
)
def test_a_name_becomes_a_portable_part_of_a_key(file_name: str, expected: str) -> None:
    assert portable(file_name) == expected


@pytest.mark.parametrize(
    "file_name", ["x" * 2048 + ".jpeg", "x." + "y" * 2048, "\N{SAILBOAT}" * 2048, "../" * 700 + "a.png"]
)
def test_a_portable_name_is_short_and_plain_whatever_it_was_made_of(file_name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,116}", portable(file_name))


def test_the_extension_of_a_long_name_is_kept() -> None:
    assert portable("x" * 2048 + ".jpeg") == "x" * 100 + ".jpeg"


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("été \N{SAILBOAT}.jpg", "été \N{SAILBOAT}.jpg"),
        ("<b>boat</b>.jpg", "<b>boat</b>.jpg"),
        ("boat\u202egpj.exe", "boatgpj.exe"),
        ("a\x00b\r\nc\x7f\u2028d\u200f\u2066.jpg", "abcd.jpg"),
        ("\N{WOMAN}\u200d\N{ROCKET}.png", "\N{WOMAN}\u200d\N{ROCKET}.png"),
        ("x" * 2048, "x" * 255),
    ],
)
def test_a_name_is_shown_as_it_is_without_what_hides_or_reorders_it(file_name: str, expected: str) -> None:
    assert displayed(file_name) == expected
