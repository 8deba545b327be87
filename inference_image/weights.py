"""Where an engine's weights come from."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from inference_image.errors import NotReady, ServingError
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings


@dataclass(frozen=True)
class Weights:
    """A model file on this machine and its SHA-256, hexadecimal."""

    path: Path
    sha256: str


def find_weights(name: str, settings: Settings, store: ObjectStore) -> Weights:
    """Find ``{name}.onnx`` in ``MODEL_PATH``, else download it from the artifact bucket.

    Raises:
        NotReady: it is in neither, or its hash is not ``MODEL_SHA256``.
    """
    path = settings.model_path / f"{name}.onnx"
    if not path.is_file():
        path = _download(path, settings, store)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if settings.model_sha256 not in (None, sha256):
        raise NotReady(f"{path.name} has SHA-256 {sha256}, and MODEL_SHA256 asks for {settings.model_sha256}.")
    return Weights(path, sha256)


def _download(missing: Path, settings: Settings, store: ObjectStore) -> Path:
    bucket = settings.model_artifact_bucket
    if bucket is None:
        raise NotReady(f"{missing} does not exist, and MODEL_ARTIFACT_BUCKET is not set.")
    target = Path(tempfile.mkdtemp(prefix="weights-")) / missing.name  # MODEL_PATH may be read-only
    prefix = settings.model_artifact_prefix.strip("/")
    try:
        store.download(bucket, f"{prefix}/{missing.name}".lstrip("/"), target)
    except ServingError as exc:
        raise NotReady(f"{missing} does not exist, and could not be downloaded: {exc}") from exc
    return target
