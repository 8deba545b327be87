"""How far a step is, marked on its picture's record for whoever watches: told if it can be, never waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config

from functions.core.errors import MatteflowError
from functions.core.models import StepName
from functions.core.observability import logger
from functions.core.record_store import RecordStore

# A step waits for a mark no longer than this, and once.
_CLIENT_CONFIG = Config(connect_timeout=0.5, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})

_UNEXPECTED = "The step ended with an unexpected error."


class Progress:
    """The marks of one step. What could not be written is logged, and no step fails for it."""

    def __init__(self, step: StepName, table_name: str) -> None:
        self._step = step
        table = boto3.resource("dynamodb", config=_CLIENT_CONFIG).Table(table_name)
        self._records = RecordStore(table_name, table)

    @contextmanager
    def of(
        self, image_id: str, execution_arn: str | None, *, is_begun: bool = False, goes_on: bool = False
    ) -> Iterator[None]:
        """Mark the beginning of the work on a picture, unless it ``is_begun`` already, and how the work ended.

        Work that ``goes_on`` elsewhere ends here only by failing.

        The end is not tried where the beginning was not marked: the store is down, or the picture is another's. What no
        execution asked for is not marked.
        """
        if execution_arn is None:
            yield
            return
        picture = (image_id, execution_arn, self._step)
        marked = is_begun or self._try(lambda: self._records.begin_step(*picture))
        try:
            yield
        except Exception as failure:
            reason = str(failure) if isinstance(failure, MatteflowError) else _UNEXPECTED
            if marked:
                self._try(lambda: self._records.mark_step(*picture, "failed", reason))
            raise
        if marked and not goes_on:
            self._try(lambda: self._records.mark_step(*picture, "done"))

    def mark_warming(self, image_id: str, execution_arn: str) -> None:
        """Mark that the step waits for a server to start."""
        self._try(lambda: self._records.mark_step(image_id, execution_arn, self._step, "warming"))

    def _try(self, write: Callable[[], object]) -> bool:
        """Whether something was written."""
        try:
            return write() is not None
        except Exception:  # Whatever it was, the step goes on.
            logger.warning("progress not marked", exc_info=True)
            return False
