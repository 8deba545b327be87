"""rembg's models by rembg's names, and ours: what each is, whose, under which licence, how input and output are meant.

The facts are those of rembg 2.0.86: its sessions for the arithmetic, its release for files and checksums. Every model
takes a square picture whose levels are divided by the picture's own maximum (not by 255) before mean and deviation.
"""

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Self

from inference_image.errors import NotReady

RELEASE_URL = "https://github.com/danielgatis/rembg/releases/download/v0.0.0"

BUNDLED = Path(__file__).parent / "models"
"""Where the weights lie that come with the app."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
ONE = (1.0, 1.0, 1.0)

FP16 = "-fp16"  # behind a name: the same model in half precision, converted on the user's machine


class Output(Enum):
    """What the first output of a model holds."""

    PROBABILITY = "probability"
    LOGIT = "logit"
    CLASSES = "classes"


@dataclass(frozen=True)
class Model:
    """One model. Its weights lie in a file ``{name}.onnx``; a decoder's in one of its own."""

    name: str
    source: str
    """Where its authors publish it."""
    licence: str
    """Of the weights, with what is to be said about it."""
    commercial: bool = True
    """Whether the licence of the weights leaves commercial use open."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION
    side: int = 320
    """Pixels of the square input, where the file leaves it open."""
    output: Output = Output.PROBABILITY
    is_stretched: bool = True
    """Whether a mask's lowest and highest value become 0 and 255, as rembg has it; ours means what it says."""
    release_file: str | None = None
    """Its file in rembg's release; None for a model that rembg does not publish as one file."""
    checksum: str | None = None
    """As it is published: ``md5:`` or ``sha256:`` and the digest, hexadecimal."""
    is_bundled: bool = False
    """Whether its weights lie in ``BUNDLED``."""
    decoder: Self | None = None
    """What makes masks of this model's output and of prompts; None for a model that gives masks itself."""
    unserved: str | None = None
    """Why the app cannot serve it; None where it can."""

    @property
    def parts(self) -> tuple[Self, ...]:
        """Itself, and its decoder where it has one: each is a file."""
        return (self, self.decoder) if self.decoder else (self,)

    def require_served(self, *, allow_non_commercial: bool) -> None:
        """Check that the app can, and may, serve it.

        Raises:
            NotReady: it cannot, or its licence forbids commercial use and ``allow_non_commercial`` is off.
        """
        if self.unserved:
            raise NotReady(f"{self.name} cannot be served: {self.unserved}.")
        if not self.commercial and not allow_non_commercial:
            raise NotReady(
                f"{self.name} is not for commercial use ({self.licence}). "
                "Where yours is none, set ALLOW_NON_COMMERCIAL_MODELS=true."
            )


_U2NET_SOURCE = "https://github.com/xuebinqin/U-2-Net"
_U2NET_LICENCE = "Apache-2.0, as its author says of code and weights; check the training data's own terms"
_DIS_SOURCE = "https://github.com/xuebinqin/DIS"
_YOURS = "that of your own file"

_BIREFNET = Model(
    name="birefnet-general",
    source="https://github.com/ZhengPeng7/BiRefNet",
    licence="MIT, as its author says of code and weights; part of the training data (DIS5K) is for research only",
    side=1024,
    output=Output.LOGIT,
    release_file="BiRefNet-general-epoch_244.onnx",
    checksum="md5:7a35a0141cbbc80de11d9c9a28f52697",
)
_ISNET = Model(
    name="isnet-general-use",
    source=_DIS_SOURCE,
    licence="none stated for the weights; the code is Apache-2.0, the training data (DIS5K) for research only",
    mean=HALF,
    deviation=ONE,
    side=1024,
    release_file="isnet-general-use.onnx",
    checksum="md5:fc16ebd8b0c10d971d3513d564d01e29",
)
_U2NET = Model(
    name="u2net",
    source=_U2NET_SOURCE,
    licence=_U2NET_LICENCE,
    release_file="u2net.onnx",
    checksum="md5:60024c5c889badc19c04ad937298a77b",
)

_SAM_DECODER = Model(
    name="sam.decoder",
    source="https://github.com/facebookresearch/segment-anything",
    licence="Apache-2.0",
    side=1024,
    output=Output.LOGIT,
    release_file="sam_vit_b_01ec64.decoder.onnx",
    checksum="md5:c4218b16ec1cb09889fcd6eb7a42a7c9",
)

_ALL = (
    _U2NET,
    replace(_U2NET, name="u2netp", release_file="u2netp.onnx", checksum="md5:8e83ca70e441ab06c318d82300c84806"),
    replace(
        _U2NET,
        name="u2net_human_seg",
        release_file="u2net_human_seg.onnx",
        checksum="md5:c09ddc2e0104f800e3e1bb4652583d1f",
    ),
    Model(
        name="u2net_cloth_seg",
        source="https://github.com/levindabhi/cloth-segmentation",
        licence="MIT",
        side=768,
        output=Output.CLASSES,
        release_file="u2net_cloth_seg.onnx",
        checksum="md5:2434d1f3cb744e0e49386c906e5a08bb",
        unserved="it labels three kinds of clothes instead of giving one mask",
    ),
    replace(
        _U2NET,
        name="silueta",
        source="https://github.com/xuebinqin/U-2-Net/issues/295",
        licence="none stated; a smaller U-2-Net, whose code and weights are Apache-2.0",
        release_file="silueta.onnx",
        checksum="md5:55e59e0d8062d2f5d013f4725ee84782",
    ),
    _ISNET,
    Model(
        name="isnet-anime",
        source="https://github.com/SkyTNT/anime-segmentation",
        licence="Apache-2.0",
        deviation=ONE,
        side=1024,
        release_file="isnet-anime.onnx",
        checksum="md5:6f184e756bb3bd901c8849220a83e38e",
    ),
    _BIREFNET,
    replace(
        _BIREFNET,
        name="birefnet-general-lite",
        release_file="BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
        checksum="md5:4fab47adc4ff364be1713e97b7e66334",
    ),
    replace(
        _BIREFNET,
        name="birefnet-portrait",
        release_file="BiRefNet-portrait-epoch_150.onnx",
        checksum="md5:c3a64a6abf20250d090cd055f12a3b67",
    ),
    replace(
        _BIREFNET,
        name="birefnet-dis",
        release_file="BiRefNet-DIS-epoch_590.onnx",
        checksum="md5:2d4d44102b446f33a4ebb2e56c051f2b",
    ),
    replace(
        _BIREFNET,
        name="birefnet-hrsod",
        release_file="BiRefNet-HRSOD_DHU-epoch_115.onnx",
        checksum="md5:c017ade5de8a50ff0fd74d790d268dda",
    ),
    replace(
        _BIREFNET,
        name="birefnet-cod",
        release_file="BiRefNet-COD-epoch_125.onnx",
        checksum="md5:f6d0d21ca89d287f17e7afe9f5fd3b45",
    ),
    replace(
        _BIREFNET,
        name="birefnet-massive",
        release_file="BiRefNet-massive-TR_DIS5K_TR_TEs-epoch_420.onnx",
        checksum="md5:33e726a2136a3d59eb0fdf613e31e3e9",
    ),
    Model(
        name="bria-rmbg",
        source="https://huggingface.co/briaai/RMBG-2.0",
        licence="BRIA's licence of RMBG-2.0: commercial use needs a paid agreement with BRIA AI",
        commercial=False,
        side=1024,
        release_file="bria-rmbg-2.0.onnx",
        checksum="sha256:5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
    ),
    replace(
        _SAM_DECODER,
        name="sam",
        release_file="sam_vit_b_01ec64.encoder.onnx",
        checksum="md5:a780f8ba09bceceaa1435724ed354848",
        decoder=_SAM_DECODER,
    ),
    replace(_U2NET, name="u2net_custom", licence=_YOURS, release_file=None, checksum=None),
    replace(_ISNET, name="dis_custom", licence=_YOURS, release_file=None, checksum=None),
    replace(
        _ISNET,
        name="ben_custom",
        source="https://github.com/PramaLLC/BEN",
        licence=_YOURS,
        release_file=None,
        checksum=None,
    ),
    Model(
        name="matteflow",
        source="inference_image/models/README.md",
        licence="MIT, as this project; trained on free pictures, which its card names",
        side=256,
        is_stretched=False,
        checksum="sha256:0cbb3cf6643ae8815ce73592abb507a65260f6c70434fc9172a41e5adefc5bcb",
        is_bundled=True,
    ),
)

MODELS = {model.name: model for model in _ALL}


def comes_with_app(name: str) -> bool:
    """Whether an engine brings all it needs: ``classical``, and a network whose weights the app has."""
    return name == "classical" or find_model(name).is_bundled


def find_model(name: str) -> Model:
    """The model of that name, or of that name with ``-fp16`` behind it.

    A name of your own is prepared as U2-Net, the commonest. Neither it nor a converted model has a checksum.
    """
    if known := MODELS.get(name):
        return known
    original = MODELS.get(name.removesuffix(FP16), MODELS["u2net_custom"])
    if original.decoder:  # of two files, which are served as they are
        original = MODELS["u2net_custom"]
    return replace(original, name=name, release_file=None, checksum=None, is_bundled=False)
