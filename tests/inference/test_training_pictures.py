"""What the training of the bundled model is fed with: composed pictures, and the packages that they are made of."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from inference_image.training import compositing
from inference_image.training.compositing import SMALLEST_SUBJECT, Bank, Example, compose
from inference_image.training.sources import (
    SCENE_SIDE,
    NotFetched,
    Package,
    largest_of_each,
    objects,
    photographs,
    scenes,
    unpacked,
)

Sample = Callable[[str], NDArray[np.uint8]]

SIDE = 128


@pytest.fixture(scope="module")
def bank(sample: Sample) -> Bank:
    ball = Image.new("RGBA", (160, 120))
    ImageDraw.Draw(ball).ellipse((2, 2, 157, 117), fill=(200, 200, 200, 255))
    return Bank([[np.asarray(ball)]], [sample("astronaut"), sample("coffee")])


@pytest.fixture(scope="module")
def examples(bank: Bank) -> list[Example]:
    rng = np.random.default_rng(0)
    return [compose(rng, bank, SIDE) for _ in range(60)]


def test_a_seed_gives_a_picture_again(bank: Bank) -> None:
    first, again, other = (compose(np.random.default_rng(seed), bank, SIDE) for seed in (1, 1, 2))

    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.alpha, again.alpha)
    assert not np.array_equal(first.picture, other.picture)


def test_every_picture_has_a_subject_and_a_background(examples: list[Example]) -> None:
    for picture, alpha in examples:
        assert picture.shape == (SIDE, SIDE, 3)
        assert alpha.shape == (SIDE, SIDE)
        assert picture.dtype == alpha.dtype == np.uint8
        assert alpha.mean() / 255 >= SMALLEST_SUBJECT - 0.002  # the share before levels are rounded
        assert alpha.min() == 0


def test_a_photograph_with_a_known_subject_keeps_it(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compositing, "SCENES", 1)
    scene = np.full((200, 300, 4), (40, 40, 40, 0), np.uint8)
    scene[40:160, 100:220] = (200, 200, 200, 255)
    rng = np.random.default_rng(0)

    for _ in range(30):
        picture, alpha = compose(rng, bank._replace(scenes=[scene]), SIDE)
        grey = picture.mean(axis=2)
        assert grey[alpha > 250].mean() > grey[alpha < 5].mean() + 20
        assert 0.1 < (alpha > 127).mean() < 0.75


def test_subjects_keep_every_channel_of_their_colour(examples: list[Example]) -> None:
    subject = np.concatenate([picture[alpha == 255] for picture, alpha in examples]).mean(axis=0)

    assert subject.min() > 0.7 * subject.max()


def test_the_seam_is_no_sharper_than_the_rest(examples: list[Example]) -> None:
    """Else a network would look for seams, which photographs do not have."""

    def steepest(picture: NDArray[np.uint8]) -> float:
        return float(np.percentile(np.abs(np.diff(picture.mean(axis=2), axis=1)), 99))

    at_seams, elsewhere = [], []
    for picture, alpha in examples:
        seam = np.abs(np.diff(alpha.astype(int), axis=1)) > 20
        steps = np.abs(np.diff(picture.mean(axis=2), axis=1))
        if seam.any():
            at_seams.append(np.median(steps[seam]))
            elsewhere.append(steepest(picture))

    assert np.median(at_seams) < np.median(elsewhere)


def test_objects_are_cropped_and_outlines_left_out(tmp_path: Path) -> None:
    solid, outline, empty = (Image.new("RGBA", (100, 100)) for _ in range(3))
    ImageDraw.Draw(solid).rectangle((20, 30, 69, 59), fill="red")
    ImageDraw.Draw(outline).rectangle((20, 30, 69, 79), outline="red")
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for image, path in zip((solid, outline, empty), paths, strict=True):
        image.save(path)

    assert [kept.shape for kept in objects(paths)] == [(30, 50, 4)]


def test_the_pictures_of_a_container_get_the_masks_of_the_classical_engine(tmp_path: Path, sample: Sample) -> None:
    content = b"qres of some kind"
    for name in ("coffee", "astronaut"):
        picture = io.BytesIO()
        Image.fromarray(sample(name)).save(picture, "WEBP")
        content += picture.getvalue() + b"between"
    folder = tmp_path / "pictures" / "quiz-1.0"
    folder.mkdir(parents=True)
    (folder / "photographs.rcc").write_bytes(content)
    package = Package("quiz", "1.0", "", "photographs.rcc", numbers=(1,))

    (scene,) = scenes(unpacked(package, tmp_path))

    assert scene.shape == (SCENE_SIDE, SCENE_SIDE, 4)
    assert np.abs(scene[..., :3].mean((0, 1)) - sample("astronaut").mean((0, 1))).max() < 3
    assert scene[200:400, 150:330, 3].mean() > 200  # her suit
    assert scene[:60, :60, 3].mean() < 30


def test_of_a_wallpaper_in_several_sizes_the_largest_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "Lake" / "contents" / "images"
    folder.mkdir(parents=True)
    paths = []
    for width in (640, 1280, 800):
        paths.append(folder / f"{width}.png")
        Image.new("RGB", (width, 400)).save(paths[-1])
    paths.append(tmp_path / "Lake" / "contents" / "screenshot.png")
    Image.new("RGB", (2000, 1000)).save(paths[-1])

    taken = list(largest_of_each(paths))

    assert taken == [folder / "1280.png"]
    assert [picture.shape for picture in photographs(taken)] == [(250, 800, 3)]


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    archive = archives / "some-pictures-1.0.0.tgz"
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("package/assets/a.png")
        member.size = len(picture.getvalue())
        tar.addfile(member, io.BytesIO(picture.getvalue()))
    right = Package(
        "@some/pictures", "1.0.0", hashlib.sha256(archive.read_bytes()).hexdigest(), "package/assets", is_npm=True
    )

    with pytest.raises(NotFetched, match="is pinned"):
        unpacked(right._replace(sha256="0" * 64), tmp_path)
    assert [path.name for path in unpacked(right, tmp_path)] == ["a.png"]
