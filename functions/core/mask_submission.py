"""Where an inference that was submitted keeps what its end needs, beside what SageMaker writes, in the masks bucket."""

INFERENCE_PREFIX = "inference/"
"""What is under it is deleted once the workflow has the mask; the rest S3 lets expire after a day."""


def submission_key(inference_id: str) -> str:
    """The key of the :class:`functions.core.models.MaskSubmission` behind an inference."""
    return f"{INFERENCE_PREFIX}{inference_id}.json"
