"""Every error a step raises on purpose.

The state machine catches by class name, so a name here is part of the workflow's contract::

    MatteflowError
    ├── PermanentError            trying again cannot help
    │   ├── ImageRejected         the upload is not a picture we take      -> REJECTED
    │   ├── MaskRejected          the endpoint's answer is not a mask of this picture
    │   ├── EndpointMisconfigured the endpoint is missing, or access to it is denied
    │   ├── AnalysisRefused       Rekognition does not take the picture or the request
    │   ├── AccessDenied          a service refuses the function's role
    │   ├── StepFailed            a step that the API invoked broke      -> HTTP 502
    │   └── InvalidRequest        a request the API cannot accept          -> HTTP 400
    └── TransientError            the workflow tries again, with full jitter
        ├── MaskEngineBusy        throttled, not ready, or no room (429, 503)
        ├── MaskEngineFailed      the endpoint broke or answered late (500, time-out)
        ├── PictureBusy           an older upload to the same key is being processed
        ├── AnalysisUnavailable   Rekognition throttled or broke
        ├── StoreUnavailable      S3 or DynamoDB throttled or broke
        └── WorkflowUnavailable   Lambda or Step Functions throttled or broke -> HTTP 503

Adapters translate foreign exceptions into these at one seam each; an exception that no table names is re-raised.
"""


class MatteflowError(Exception):
    """Base of every error raised on purpose. Its message is one plain sentence that its reader can act on."""


class PermanentError(MatteflowError):
    """Trying again cannot help."""


class ImageRejected(PermanentError):
    """The upload is not a picture that is taken; the message is the reason its owner reads."""


class MaskRejected(PermanentError):
    """The endpoint's answer is not a mask of the picture that was sent (wrong size, mode or format)."""


class EndpointMisconfigured(PermanentError):
    """The inference endpoint does not exist, or the role may not call it."""


class AnalysisRefused(PermanentError):
    """Rekognition does not take the picture or the request."""


class AccessDenied(PermanentError):
    """A service refuses the function's role."""


class StepFailed(PermanentError):
    """A step that the API invoked broke; its log says why."""


class InvalidRequest(PermanentError):
    """A request the API cannot accept; the message names the field."""


class TransientError(MatteflowError):
    """The same call may succeed later; the workflow retries it with full jitter."""


class MaskEngineBusy(TransientError):
    """The inference endpoint has no room: throttled, not ready, or answering 429 or 503."""


class MaskEngineFailed(TransientError):
    """The inference endpoint broke, or did not answer in time."""


class PictureBusy(TransientError):
    """An older upload to the same key is still being processed; both would write the same objects."""


class AnalysisUnavailable(TransientError):
    """Rekognition throttled a part of the image analysis or failed by itself."""


class StoreUnavailable(TransientError):
    """S3 or DynamoDB throttled the call or failed by itself."""


class WorkflowUnavailable(TransientError):
    """Lambda or Step Functions throttled the call, failed by itself, or did not answer in time."""
