"""Where an engine's weights come from, and that they are the ones that were meant."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from inference_image.errors import NotReady, ServingError
from inference_image.object_store import ObjectStore
from inference_image.registry import MODELS, Model
from inference_image.settings import Settings


@dataclass(frozen=True)
class Weights:
    """A model file on this machine and its SHA-256, hexadecimal."""

    path: Path
    sha256: str


def find_weights(model: Model, settings: Settings, store: ObjectStore) -> Weights:
    """Find ``{name}.onnx`` in ``MODEL_PATH``, else download it from the artifact bucket.

    Raises:
        NotReady: it is in neither; its hash is not ``MODEL_SHA256``; or, where that is not set, it is not the file
            that rembg publishes under this name.
    """
    path = settings.model_path / f"{model.name}.onnx"
    if not path.is_file():
        path = _download(path, settings, store)
    sha256 = file_digest(path, "sha256")
    if settings.model_sha256:
        if sha256 != settings.model_sha256:
            raise NotReady(f"{path.name} has SHA-256 {sha256}, and MODEL_SHA256 asks for {settings.model_sha256}.")
    elif model.checksum and not is_published_file(path, model.checksum):
        raise NotReady(
            f"{path} is not the file that rembg publishes as {model.name} ({model.checksum}). Fetch it again, or, "
            f"where it is your own, rename it or set MODEL_SHA256={sha256}."
        )
    return Weights(path, sha256)


def is_published_file(path: Path, checksum: str) -> bool:
    """Whether a file hashes to a ``Model.checksum``."""
    algorithm, _, digest = checksum.partition(":")
    return file_digest(path, algorithm) == digest


def file_digest(path: Path, algorithm: str) -> str:
    """Hash a file; hexadecimal."""
    with path.open("rb") as file:
        # rembg publishes MD5, which finds damage and not malice: against that stands MODEL_SHA256.
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _download(missing: Path, settings: Settings, store: ObjectStore) -> Path:
    bucket = settings.model_artifact_bucket
    if bucket is None:
        raise NotReady(f"{missing} does not exist, and MODEL_ARTIFACT_BUCKET is not set.{_known(missing.stem)}")
    target = Path(tempfile.mkdtemp(prefix="weights-")) / missing.name  # MODEL_PATH may be read-only
    prefix = settings.model_artifact_prefix.strip("/")
    try:
        store.download(bucket, f"{prefix}/{missing.name}".lstrip("/"), target)
    except ServingError as exc:
        reason = f"{missing} does not exist, and could not be downloaded: {exc}"
        raise NotReady(reason + _known(missing.stem)) from exc
    return target


def _known(name: str) -> str:
    """What to say of a name that is neither a file's nor the registry's, which may be misspelt."""
    return "" if name in MODELS else f" Of itself the app knows: classical, {', '.join(MODELS)}."
