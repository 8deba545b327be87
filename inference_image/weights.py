"""Where an engine's weights come from, and that they are the ones that were meant."""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference_image.errors import NotReady, ServingError
from inference_image.object_store import ObjectStore
from inference_image.registry import BUNDLED, FP16, MODELS, Model
from inference_image.settings import Settings

# One place, so that a function that starts again and again in one environment does not fill its disk. MODEL_PATH may be
# read-only.
DOWNLOADS = Path(tempfile.gettempdir()) / "matteflow-weights"


@dataclass(frozen=True)
class Weights:
    """A model's files on this machine and their SHA-256, hexadecimal."""

    path: Path
    sha256: str
    """Of the one file; of two, one after the other."""
    decoder: Path | None = None
    """The second file of a model that takes prompts."""


def find_weights(model: Model, settings: Settings, store: ObjectStore) -> Weights:
    """Find ``{name}.onnx``, and that of its decoder, in ``MODEL_PATH`` or the app, else in the artifact bucket.

    A download that is known to be the right file is not made again.

    Raises:
        NotReady: it is in neither; the hash is not ``MODEL_SHA256``; or, where that is not set, it is not the file
            that is published under this name.
    """
    paths = [_find(part, settings, store) for part in model.parts]
    sha256 = digest(paths, "sha256")
    if settings.model_sha256:
        if sha256 != settings.model_sha256:
            names = " with ".join(path.name for path in paths)
            raise NotReady(f"{names} has SHA-256 {sha256}, and MODEL_SHA256 asks for {settings.model_sha256}.")
    else:
        for part, path in zip(model.parts, paths, strict=True):
            if part.checksum and not is_published_file(path, part.checksum):
                raise NotReady(
                    f"{path} is not the file that is published as {part.name} ({part.checksum}). Fetch it again, "
                    f"or, where it is your own, rename it or set MODEL_SHA256={sha256}."
                )
    return Weights(paths[0], sha256, *paths[1:])


def is_published_file(path: Path, checksum: str) -> bool:
    """Whether a file hashes to a checksum in the form of ``Model.checksum``."""
    algorithm, _, published = checksum.partition(":")
    return digest([path], algorithm) == published


def digest(paths: Iterable[Path], algorithm: str) -> str:
    """Hash files one after the other; hexadecimal."""
    # rembg publishes MD5, which finds damage and not malice: against that stands MODEL_SHA256.
    hashed = hashlib.new(algorithm, usedforsecurity=False)
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: hashed)
    return hashed.hexdigest()


def _find(part: Model, settings: Settings, store: ObjectStore) -> Path:
    path = settings.model_path / f"{part.name}.onnx"
    if path.is_file():
        return path
    if part.is_bundled:
        return BUNDLED / path.name
    downloaded = DOWNLOADS / path.name
    expected = f"sha256:{settings.model_sha256}" if settings.model_sha256 else part.checksum
    if not (expected and downloaded.is_file() and is_published_file(downloaded, expected)):
        _download(path, downloaded, settings, store)
    return downloaded


def _download(missing: Path, target: Path, settings: Settings, store: ObjectStore) -> None:
    bucket = settings.model_artifact_bucket
    if bucket is None:
        raise NotReady(f"{missing} does not exist, and MODEL_ARTIFACT_BUCKET is not set.{_known(missing.stem)}")
    target.parent.mkdir(mode=0o700, exist_ok=True)
    prefix = settings.model_artifact_prefix.strip("/")
    try:
        store.download(bucket, f"{prefix}/{missing.name}".lstrip("/"), target)
    except ServingError as exc:
        reason = f"{missing} does not exist, and could not be downloaded: {exc}"
        raise NotReady(reason + _known(missing.stem)) from exc


def _known(name: str) -> str:
    """What to say of a name that is neither a file's nor the registry's, which may be misspelt."""
    known = {part.name for model in MODELS.values() for part in model.parts}
    return "" if name.removesuffix(FP16) in known else f" Of itself the app knows: classical, {', '.join(MODELS)}."
