"""The seam where a service's refusals become errors of our own, by its adapter's table.

DynamoDB, Lambda and Rekognition share it; S3's tells of the object, SageMaker's of the container behind the endpoint.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore import exceptions as botocore_errors

from functions.core.errors import MatteflowError

# The HTTP statuses of what may pass, which are the code of an answer whose body names no error.
TRANSIENT_STATUSES = ("429", "500", "502", "503", "504")


@contextmanager
def translated(
    service: str, errors: Mapping[str, type[MatteflowError]], unreachable: type[MatteflowError]
) -> Iterator[None]:
    """Raise what ``errors`` has for the error code of a refused call, and ``unreachable`` if no answer came.

    Args:
        service: its name, for people.
        errors: by the service's error code, or by HTTP status where the service gave none. A code that is not in
            here is raised as it came.
    """
    try:
        yield
    except botocore_errors.ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code not in errors:
            raise
        raise errors[code](f"{service} refused {exc.operation_name} ({code}).") from exc
    except (botocore_errors.ConnectionError, botocore_errors.HTTPClientError) as exc:
        raise unreachable(f"{service} could not be reached ({type(exc).__name__}).") from exc
