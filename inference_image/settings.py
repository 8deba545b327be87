"""The app's settings, read from the environment once, at start."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Resampling = Literal["fast", "rembg", "guided"]


class Settings(BaseModel):
    """The field ``mask_engine`` is read from ``MASK_ENGINE``, and so on; an empty variable counts as absent."""

    model_config = ConfigDict(frozen=True)

    mask_engine: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = "matteflow"
    """``matteflow`` and ``classical`` come with the app; else the name of an ONNX file, with or without ``.onnx``."""
    model_path: Path = Path("/opt/ml/model")
    """The folder SageMaker unpacks the model's archive into."""
    model_artifact_bucket: str | None = None
    """Where weights come from that are not in ``model_path``."""
    model_artifact_prefix: str = ""
    model_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """What the weights must hash to, those of two files one after the other; where it is absent, a model of rembg's
    must be what rembg publishes."""
    allow_non_commercial_models: bool = False
    """Whether models may be served whose licence forbids commercial use."""
    resampling: Resampling = "fast"
    """How pictures shrink to the model's size and masks grow back: ``fast``, ``rembg`` or ``guided``."""
    required_provider: str | None = None
    """For example ``CUDAExecutionProvider``: without it active, ``/ping`` answers 503."""
    max_size_bytes: PositiveInt = 25 * 1024 * 1024
    max_pixels: PositiveInt = 50_000_000
    max_embeddings_bytes: Annotated[int, Field(ge=0)] = 256 * 1024 * 1024
    """Embeddings that are kept of pictures for their next prompt; one of Segment Anything's has 4 MiB."""
    max_waiting: Annotated[int, Field(ge=0)] = 16
    """Requests that may wait for the batch that runs; more are answered 503."""
    max_batch: PositiveInt = 16
    """Most pictures of one run, where the engine takes that many."""
    cuda_graphs: bool = True
    """Whether a model's runs on CUDA are recorded at start, for a few batch sizes, and replayed."""
    bfloat16: bool = True
    """Whether a CPU that is fast with bfloat16 (Intel AMX) computes in it, but for Segment Anything; masks differ by
    less than a level on average."""
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = 2
    """How long a busy engine's next run is held back for more pictures."""
    deadline_s: Annotated[float, Field(gt=0, le=60)] = 50
    """A request without a mask by then is answered 503, and not inferred any more; SageMaker gives up after 60 s."""
    threads: PositiveInt = Field(default_factory=lambda: os.cpu_count() or 1)
    """CPU threads of all inference; as many others decode and encode."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read and check the environment.

        Raises:
            pydantic.ValidationError: a variable is out of range; the message names the field.
        """
        return cls.model_validate({name.lower(): value for name, value in os.environ.items() if value})
