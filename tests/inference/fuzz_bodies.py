"""Bodies and headers mutated at random, sent to the app in this process: it answers each, and never with a 5xx.

python -m tests.inference.fuzz_bodies --count 100000 --seed 1
"""

import argparse
import asyncio
import io
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import boto3
import httpx
import numpy as np
from moto import mock_aws
from PIL import Image

from inference_image.app import create_app
from inference_image.engines.mask_engine import Mask, Picture, Prepared
from inference_image.settings import Settings

AT_ONCE = 4
MAX_PIXELS = 100_000
MAX_SIZE_BYTES = 65_536
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"{",
    b'"',
    b"\xff\xd9",
    b"IDAT",
    b"Exif",
)
TYPES = ("image/jpeg", "image/png", "image/webp", "application/json", "image/gif", "", "image/jpeg; q=1", "IMAGE/PNG")
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class BrightnessEngine:
    """The cheapest mask that depends on every pixel, so that the time goes into the app."""

    name = "brightness"
    sha256 = None
    sufficient_side = None
    provider = "NumPy"
    max_batch = 4
    max_runs = 1

    def prepare(self, picture: Picture) -> Prepared:
        return np.asarray(picture.max(axis=2))

    def infer(self, batch: Sequence[Prepared]) -> list[Mask]:
        return list(batch)

    def upscale(self, mask: Mask, picture: Picture) -> Mask:
        assert mask.shape == picture.shape[:2]
        return mask


class Case(NamedTuple):
    """One request."""

    body: bytes
    headers: dict[str, str]


def seeds() -> list[tuple[str, bytes]]:
    """Small sound bodies with their types: every format, several modes, EXIF, progressive, animated, and JSON."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    colour = Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    made = []
    for media_type, file_format, modes, options in (
        ("image/jpeg", "JPEG", ("RGB", "L", "CMYK"), ({}, {"progressive": True}, {"exif": exif})),
        ("image/png", "PNG", ("RGB", "RGBA", "P", "1", "I;16", "LA"), ({}, {"exif": exif})),
        (
            "image/webp",
            "WEBP",
            ("RGB", "RGBA"),
            ({}, {"lossless": True}, {"save_all": True, "append_images": [colour]}),
        ),
    ):
        for mode in modes:
            for option in options:
                file = io.BytesIO()
                colour.convert("L" if mode == "I;16" else mode).convert(mode).save(file, file_format, **option)
                made.append((media_type, file.getvalue()))
    bodies = (
        b'{"image": {"bucket": "pictures", "key": "k"}, "model": "x"}',
        b'{"image": {"bucket": "pictures", "key": "a"}, "options": {}}',
        b"[1]",
    )
    return made + [("application/json", body) for body in bodies]


def case(random_: random.Random, sound: list[tuple[str, bytes]]) -> Case:
    """One mutated request. One in 16 has a sound body, so that masks are made in between."""
    media_type, body = random_.choice(sound)
    changed = bytearray(body)
    for _ in range(random_.choice((0, 1, 1, 1, 2, 2, 3, 4, 8, 16, 32, 1, 2, 3, 4, 1))):
        _mutate(random_, changed, sound)
    headers = {"Content-Type": random_.choice(TYPES) if random_.random() < 0.1 else media_type}
    if random_.random() < 0.1:
        headers["X-Mask-Size"] = random_.choice(("model", "image", "", "half", "\x7f", "0" * 5000))
    if random_.random() < 0.1:
        text = "".join(chr(random_.randrange(32, 127)) for _ in range(random_.randrange(60)))
        headers[ATTRIBUTES] = random_.choice(
            (text, f"model={text}", ";=;==", "model=brightness", "model=" + "x" * 5000)
        )
    return Case(bytes(changed), headers)


def _mutate(random_: random.Random, body: bytearray, sound: list[tuple[str, bytes]]) -> None:
    at = random_.randrange(len(body) + 1)
    match random_.randrange(8):
        case 0 if body:
            body[at % len(body)] ^= 1 << random_.randrange(8)
        case 1 if body:
            body[at % len(body)] = random_.randrange(256)
        case 2:
            del body[at:]
        case 3:
            del body[at : at + random_.randrange(1, 64)]
        case 4:
            body[at : at + random_.randrange(8)] = random_.choice(INTERESTING)
        case 5:
            body[at:at] = bytes(random_.choice((1, 64, 4096, MAX_SIZE_BYTES)))
        case 6:
            body[at:at] = body[at : at + random_.randrange(64)]
        case _:
            _, other = random_.choice(sound)
            cut = random_.randrange(len(other))
            body[at:] = other[cut:]


async def fuzz(count: int, seed: int) -> Counter[int]:
    """Send ``count`` cases and give how many got which status.

    Raises:
        AssertionError: one was answered 5xx; with its seed and number.
    """
    load = BrightnessEngine()
    settings = Settings(max_pixels=MAX_PIXELS, max_size_bytes=MAX_SIZE_BYTES, threads=2, max_waiting=AT_ONCE)
    app = create_app(settings, lambda _settings, _store: load)
    sound = seeds()
    statuses: Counter[int] = Counter()
    numbers = iter(range(count))

    async def send(http: httpx.AsyncClient) -> None:
        for number in numbers:
            body, headers = case(random.Random(f"{seed} {number}"), sound)  # noqa: S311
            response = await http.post("/invocations", content=body, headers=headers)
            assert response.status_code < 500, f"seed {seed}, case {number}: {response.status_code} {response.text}"
            statuses[response.status_code] += 1

    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://t") as http:
        await asyncio.gather(*(send(http) for _ in range(AT_ONCE)))
    return statuses


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.inference.fuzz_bodies", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="requests (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other requests (default: 1)")
    arguments = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")  # noqa: S106
    started = time.perf_counter()
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="pictures")
        statuses = asyncio.run(fuzz(arguments.count, arguments.seed))
    print(f"{dict(sorted(statuses.items()))} in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
