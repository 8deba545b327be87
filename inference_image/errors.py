"""Every error the serving app answers on purpose; each becomes one ``application/problem+json`` (RFC 9457)::

ServingError
├── BadInput           400  the picture or the request cannot be used
├── TooLarge           413  over the byte or the pixel limit
├── UnsupportedType    415  a content type that is not taken
├── InferenceFailed    500  the model gave no usable mask
└── Unavailable        503  the same request may succeed later
    ├── NoRoom              too many requests are waiting, or the accelerator's memory is full
    ├── TooLate             the deadline passed before there was a mask
    ├── Stopping            the process is about to end
    ├── StoreUnavailable    S3 throttled the read or failed by itself
    └── NotReady            no model is loaded, or not on the provider that is required
"""

from http import HTTPStatus


class ServingError(Exception):
    """Base of every error raised on purpose. Its message is the problem's detail: one sentence for the caller."""

    status: HTTPStatus


class BadInput(ServingError):
    """The picture or the request cannot be used as it is."""

    status = HTTPStatus.BAD_REQUEST


class TooLarge(ServingError):
    """The body or the picture is over a limit; the message names the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedType(ServingError):
    """The content type is not taken; the message lists what is."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class InferenceFailed(ServingError):
    """The model ran and gave no usable mask."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class Unavailable(ServingError):
    """The same request may succeed after ``retry_after_s`` seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_s = 1


class NoRoom(Unavailable):
    """Too many requests are waiting already, or the accelerator's memory is full."""


class TooLate(Unavailable):
    """The deadline passed before there was a mask. SageMaker gives up after 60 s; this comes before, with a reason."""


class Stopping(Unavailable):
    """The process is about to end; another one will answer."""


class StoreUnavailable(Unavailable):
    """S3 throttled the read, failed, or could not be reached."""


class NotReady(Unavailable):
    """No model is loaded, or it does not run on the provider that is required."""

    retry_after_s = 30
