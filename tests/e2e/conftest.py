"""What the end-to-end tests send."""

from io import BytesIO
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.pipeline import Person, Pipeline


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A photograph of a person, 512 x 512 pixels, as JPEG."""
    file = BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture(scope="session")
def somebody_else(pipeline: Pipeline) -> Person:
    """Another user than the pipeline's own."""
    return pipeline.sign_up("somebody.else@matteflow.test")


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """Five photographs, where they lie beside the project."""
    folder = Path(__file__).parents[3] / "shared" / "photos"
    photographs = sorted([*folder.glob("*.jpg"), *folder.glob("*.jpeg")])[:5]
    if len(photographs) < 5:
        pytest.skip("the photographs for measuring are not beside the project")
    return photographs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What judges all that was done comes last."""
    items.sort(key=lambda item: item.path.name == "test_least_privilege.py")
