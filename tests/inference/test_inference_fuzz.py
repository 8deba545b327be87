"""A few hundred of the fuzzer's requests; ``python -m tests.inference.fuzz_bodies`` sends as many as it is told."""

import asyncio

import pytest

from tests.inference.fuzz_bodies import fuzz


@pytest.mark.usefixtures("pictures_bucket")
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on broken metadata
def test_mutated_requests_are_answered_and_never_with_a_5xx() -> None:
    statuses = asyncio.run(fuzz(count=600, seed=1))

    assert sum(statuses.values()) == 600
    assert statuses.keys() >= {200, 400, 413, 415}
