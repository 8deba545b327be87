"""Where an inference that was submitted keeps what its end needs, beside what SageMaker writes, in the masks bucket."""

INFERENCE_PREFIX = "inference/"
"""Nothing under it outlives its picture's execution: S3 lets it expire after a day."""


def submission_key(inference_id: str) -> str:
    """The key of the :class:`functions.core.models.MaskSubmission` behind an inference."""
    return f"{INFERENCE_PREFIX}{inference_id}.json"
