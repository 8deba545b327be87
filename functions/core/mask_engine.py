"""What makes a mask, whatever it runs on: what it is asked, what it answers, and what its refusals become."""

from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

from functions.core.errors import MaskEngineBusy, MaskEngineFailed, MaskRejected, MatteflowError
from functions.core.models import Proxy

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
"""Where the container says which model made a mask: a header of its answer and, on request, a text of the PNG."""

MAX_MESSAGE_CHARACTERS = 300


class EngineAnswer(NamedTuple):
    """A mask as the container sent it, unchecked, and where it came from."""

    png: bytes
    model: str
    model_sha256: str | None
    provider: str
    inference_ms: float


class MaskEngine(Protocol):
    """Answers with the mask of a proxy while its caller waits."""

    def infer(self, proxy: Proxy, model: str | None = None) -> EngineAnswer:
        """Ask once for the mask of a proxy.

        Args:
            model: the name of the model to use; the container's own when None.

        Raises:
            MaskEngineBusy: throttled, not ready, refused the connection, or has no room (429, 503).
            MaskEngineFailed: broke (another 5xx), did not answer in time, or broke off.
            MaskRejected: the container refused the picture (4xx), or its answer does not name model and provider.
            EndpointMisconfigured: it does not exist, or the role may not call it.
        """
        ...


def engine_answer(png: bytes, attributes: str) -> EngineAnswer:
    """A mask with what the container says of it: ``model=...;provider=...;inference-ms=...``.

    Raises:
        MaskRejected: model, provider or time are not in ``attributes``.
    """
    facts = dict(parse_qsl(attributes, separator=";"))
    try:
        return EngineAnswer(
            png=png,
            model=facts["model"],
            model_sha256=facts.get("model-sha256"),
            provider=facts["provider"],
            inference_ms=float(facts["inference-ms"]),
        )
    except (KeyError, ValueError) as exc:
        raise MaskRejected("The inference endpoint's answer does not say which model and provider made it.") from exc


def container_error(status: int) -> type[MatteflowError]:
    """What the container's own HTTP status means; 0 stands for no answer."""
    if status in (429, 503):
        return MaskEngineBusy
    return MaskRejected if 400 <= status < 500 else MaskEngineFailed
