"""An engine that shows what the app does around it: its runs wait until the test lets them go."""

import threading
from collections.abc import Sequence

import numpy as np

from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.object_store import ObjectStore
from inference_image.settings import Settings

LIVENESS_S = 30  # after so long without progress something hangs


class HeldEngine:
    """Its masks are as bright as their pictures.

    Args:
        max_batch: most pictures of one run.
        max_runs: most runs at a time.
        errors: raised, the first first, one a run, before masks are made.
    """

    name = "held"
    sha256 = None
    sufficient_side = None
    provider = "test"

    def __init__(self, max_batch: int = 1, *errors: Exception, max_runs: int = 1) -> None:
        self.max_batch = max_batch
        self.max_runs = max_runs
        self.prepared = 0
        self.batch_sizes: list[int] = []
        self.release = threading.Event()
        self._errors = list(errors)
        self._progress = threading.Condition()

    def prepare(self, picture: Picture) -> Prepared:
        with self._progress:
            self.prepared += 1
            self._progress.notify_all()
        return picture

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        with self._progress:
            self.batch_sizes.append(len(batch))
            self._progress.notify_all()
        assert self.release.wait(LIVENESS_S)
        if self._errors:
            raise self._errors.pop(0)
        return [picture.mean(axis=2).astype(np.uint8) for picture in batch]

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        assert mask.shape == picture.shape[:2]
        return mask

    def wait_for(self, *, prepared: int = 0, runs: int = 0) -> None:
        """Block until so many pictures are prepared and so many runs have begun."""
        with self._progress:
            done = self._progress.wait_for(
                lambda: self.prepared >= prepared and len(self.batch_sizes) >= runs, LIVENESS_S
            )
        assert done, (self.prepared, self.batch_sizes)

    def load(self, _settings: Settings, _store: ObjectStore) -> "HeldEngine":
        return self
