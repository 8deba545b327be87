"""What tests of several kinds share: golden pictures, and the pipeline, which is brought up once a run.

Golden pictures are what a person has looked at and found right, kept in ``tests/goldens/``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from xdist.scheduler import LoadFileScheduling, Scheduling

from scripts.local_stack.services import Ports
from scripts.local_stack.stack import LocalStack
from tests.pipeline import Pipeline

ON_THE_PIPELINE = ("tests/browser/", "tests/e2e/")
FOLDER = Path(__file__).parent / "goldens"


class Tolerance(NamedTuple):
    """How far, of 255, a picture may be from its golden: the mean over all values, and the largest of them."""

    mean: float
    largest: int


class Goldens:
    """Compares pictures with the golden ones; with ``--update-goldens`` makes them the golden ones instead."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def names(self, prefix: str) -> set[str]:
        """Of the golden pictures whose name begins like this."""
        return {path.stem for path in self._folder.glob(f"{prefix}*.png") if not path.stem.endswith(".actual")}

    def remove(self, name: str) -> bool:
        """Drop a golden picture of what is no longer made; only with ``--update-goldens``. Whether it was dropped."""
        if self._update:
            (self._folder / f"{name}.png").unlink()
        return self._update

    def difference(self, name: str, actual: Image.Image, tolerance: Tolerance) -> str:
        """What is wrong with the picture, in words for a person; empty where nothing is.

        Colours are compared as they are seen, multiplied by alpha. A wrong picture is written beside its golden.
        """
        golden, beside = self._folder / f"{name}.png", self._folder / f"{name}.actual.png"
        if self._update:
            actual.save(golden)
        wrong = _compared(golden, actual, tolerance)
        if wrong:
            actual.save(beside)
            return f"{golden.name}: {wrong}; it is in {beside}. If it is right, run pytest --update-goldens."
        beside.unlink(missing_ok=True)
        return ""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write the golden pictures anew instead of comparing with them"
    )


class Schedule(LoadFileScheduling):
    """For ``pytest -n``: a file a worker, and one worker for all that needs the pipeline."""

    def _split_scope(self, nodeid: str) -> str:
        return ON_THE_PIPELINE[0] if nodeid.startswith(ON_THE_PIPELINE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    config.option.loadscopereorder = False  # the pipeline's tests take longest, and come first by name
    return Schedule(config, log)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The whole pipeline on one machine with sign-in on, brought up once for all tests that need it.

    Who is in the group ``trial`` may upload two pictures a day.
    """
    stack = LocalStack(home=tmp_path_factory.mktemp("stack"), ports=Ports.free(), auth="cognito")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MASK_ENGINE", "matteflow")  # whatever the developer chose
        environment.setenv(
            "TF_VAR_user_groups", '{"trial": {"pictures_per_day": 2}, "guests": {"pictures_per_day": 1}}'
        )
        try:
            stack.up()
            yield Pipeline(stack)
        finally:
            stack.down()


@pytest.fixture(scope="session")
def goldens(request: pytest.FixtureRequest) -> Goldens:
    return Goldens(FOLDER, update=request.config.getoption("--update-goldens"))


def _compared(golden: Path, actual: Image.Image, tolerance: Tolerance) -> str:
    if not golden.exists():
        return "there is no such golden picture yet"
    with Image.open(golden) as expected:
        if (actual.mode, actual.size) != (expected.mode, expected.size):
            return f"the picture is {actual.mode} of {actual.size}, not {expected.mode} of {expected.size}"
        difference = np.abs(_as_seen(actual) - _as_seen(expected))
    mean, largest = difference.mean(), difference.max()
    if mean > tolerance.mean or largest > tolerance.largest:
        return (
            f"the picture differs by {mean:.2f} on average and by {largest} at most, "
            f"where {tolerance.mean} and {tolerance.largest} are allowed"
        )
    return ""


def _as_seen(image: Image.Image) -> NDArray[Any]:
    """Values as signed integers, colour premultiplied: what alpha hides does not count."""
    return np.asarray(image.convert("RGBa") if image.mode == "RGBA" else image).astype(int)
