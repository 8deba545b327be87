"""The one place that knows every engine."""

from inference_image.engines import bfloat16
from inference_image.engines.classical import ClassicalEngine
from inference_image.engines.mask_engine import MaskEngine
from inference_image.engines.onnx import OnnxEngine
from inference_image.engines.refined import RefinedEngine
from inference_image.engines.sam import SamEngine
from inference_image.errors import NotReady
from inference_image.object_store import ObjectStore
from inference_image.registry import find_model
from inference_image.settings import Settings
from inference_image.weights import find_weights


def load_engine(settings: Settings, store: ObjectStore) -> MaskEngine:
    """Load the engine that ``MASK_ENGINE`` names.

    Raises:
        NotReady: it cannot or may not be served, its weights are missing, altered or unusable, or
            ``REQUIRED_PROVIDER`` is not active.
    """
    engine: MaskEngine
    if settings.mask_engine == ClassicalEngine.name:
        engine = ClassicalEngine(settings.threads)
    else:
        model = find_model(settings.mask_engine.removesuffix(".onnx"))
        model.require_served(allow_non_commercial=settings.allow_non_commercial_models)
        weights = find_weights(model, settings, store)
        if weights.decoder:
            engine = SamEngine(model.name, weights, weights.decoder, settings.threads)
        else:
            engine = OnnxEngine(
                model.name,
                weights,
                settings.threads,
                max_batch=settings.max_batch,
                resampling=settings.resampling,
                cuda_graphs=settings.cuda_graphs,
                use_bfloat16=settings.bfloat16 and settings.required_provider in (None, bfloat16.PROVIDER),
            )
            if model.is_bundled:
                engine = RefinedEngine(engine, settings.threads)
    if settings.required_provider not in (None, engine.provider):
        raise NotReady(f"{settings.required_provider} is required, and {engine.name} runs on {engine.provider}.")
    return engine
