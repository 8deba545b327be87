"""Fetch a model's weights: ``python -m scripts.models NAME``, or ``--list`` to see what there is.

The local stack serves the model that was named last; of those that come with the app nothing is fetched.

``NAME-fp16`` is the same model in half precision, for a GPU: it is fetched, and converted here. A file appears under
its name only once it is whole and its checksum is right, or its masks are; whatever goes wrong, nothing else stays.
The serving app itself downloads none of this.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from inference_image.registry import FP16, MODELS, RELEASE_URL, Model, comes_with_app, find_model
from inference_image.weights import is_published_file
from scripts.chosen_model import choose
from scripts.half_precision import NotConverted, convert

FOLDER = Path(".models")
TIMEOUT_S = 30  # for the connection, and for each piece of the file
CHUNK_BYTES = 1 << 20
INTERRUPTED = 130  # what a shell reports for Ctrl-C


class NotFetched(Exception):
    """The weights could not be fetched; the message says why, for a person."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.models", description="Fetch a model's weights.")
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the model, by rembg's name, with -fp16 for half precision"
    )
    parser.add_argument("--list", action="store_true", help="list the models, with their licences")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help=f"where to (default: {FOLDER})")
    parser.add_argument(
        "--allow-non-commercial", action="store_true", help="fetch models whose licence forbids commercial use too"
    )
    parser.add_argument("--release-url", default=RELEASE_URL, metavar="URL", help="another place with the same files")
    arguments = parser.parse_args()
    if arguments.list:
        Console().print(_table())
        return 0
    if arguments.name is None:
        parser.error("Which model? Name one, or use --list.")
    if comes_with_app(arguments.name):
        choose({"MASK_ENGINE": arguments.name})
        print(f"The local stack serves {arguments.name}, which comes with the app, when it is next started.")
        return 0
    try:
        path = provide(
            arguments.name,
            arguments.to,
            release_url=arguments.release_url,
            allow_non_commercial=arguments.allow_non_commercial,
        )
    except (NotConverted, NotFetched) as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        print("Interrupted; nothing unfinished stays.", file=sys.stderr)
        return INTERRUPTED
    model = find_model(arguments.name)
    print(f"{path}\nLicence: {model.licence}\nSource: {model.source}")
    print(f"Use it: MASK_ENGINE={model.name} MODEL_PATH={path.parent} python -m inference_image serve")
    if not model.decoder:  # which has to be told what to find
        allowed = {} if model.commercial else {"ALLOW_NON_COMMERCIAL_MODELS": "true"}
        choose({"MASK_ENGINE": model.name, "MODEL_PATH": str(path.parent.resolve()), **allowed})
        print("The local stack serves it, too, when it is next started; MODEL=matteflow goes back.")
    return 0


def provide(name: str, folder: Path, *, release_url: str = RELEASE_URL, allow_non_commercial: bool = False) -> Path:
    """Fetch a model as ``fetch`` does; of ``NAME-fp16`` the model NAME, which is then converted.

    A model that is published nowhere is taken from the folder.

    Raises:
        NotFetched: as of ``fetch``, or a model of two files was to be converted.
        NotConverted: it does not work in half precision.
    """
    original = name.removesuffix(FP16)
    if name == original:
        return fetch(name, folder, release_url=release_url, allow_non_commercial=allow_non_commercial)
    model, path = find_model(original), folder / f"{original}.onnx"
    if model.decoder:
        raise NotFetched(f"{original} has two files, which are served as they are.")
    if model.checksum or not path.is_file():
        fetch(original, folder, release_url=release_url, allow_non_commercial=allow_non_commercial)
    target = folder / f"{name}.onnx"
    error, takes_batches = convert(path, target)
    runs = "any number of pictures" if takes_batches else "one picture"
    print(f"Converted: the mask of a photograph differs by {error:.2f} of 255 on average; a run takes {runs}.")
    return target


def fetch(name: str, folder: Path, *, release_url: str = RELEASE_URL, allow_non_commercial: bool = False) -> Path:
    """Fetch a model's weights, unless the right file is there already.

    Args:
        name: of the registry.
        folder: where to; made where it does not exist.
        release_url: the address that the models' file names are appended to.
        allow_non_commercial: take models whose licence forbids commercial use.

    Returns:
        ``folder / "{name}.onnx"``, whole, with the published checksum; a decoder lies beside it.

    Raises:
        NotFetched: no such model, no such file, not allowed, no connection, or not the published content.
    """
    model = MODELS.get(name)
    if model is None:
        raise NotFetched(f"There is no model {name!r}; there are {', '.join(MODELS)}.")
    if model.unserved:
        raise NotFetched(f"{name} cannot be served: {model.unserved}.")
    if model.release_file is None or model.checksum is None:
        raise NotFetched(
            f"rembg publishes no file for {name}: put your own at {folder / name}.onnx. See {model.source}."
        )
    if not model.commercial and not allow_non_commercial:
        raise NotFetched(
            f"{name} is not for commercial use ({model.licence}). Where yours is none, add --allow-non-commercial, "
            "and set ALLOW_NON_COMMERCIAL_MODELS=true where it is served."
        )
    for part in model.parts:
        _fetch_file(folder / f"{part.name}.onnx", f"{release_url.rstrip('/')}/{part.release_file}", str(part.checksum))
    return folder / f"{name}.onnx"


def _fetch_file(path: Path, url: str, checksum: str) -> None:
    if path.is_file() and is_published_file(path, checksum):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=path.parent) as unfinished:
            part = Path(unfinished) / path.name
            _download(url, part)
            if not is_published_file(part, checksum):
                raise NotFetched(f"What {url} gave is not what rembg published ({checksum}).")
            part.replace(path)
    except OSError as exc:
        raise NotFetched(f"{path} could not be written: {exc}") from exc


def _download(url: str, target: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_S) as answer,
            target.open("wb") as file,
            Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress,
        ):
            answer.raise_for_status()
            size = int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
            task = progress.add_task(target.stem, total=size)
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                file.write(chunk)
                progress.advance(task, len(chunk))
    except httpx.HTTPStatusError as exc:
        raise NotFetched(f"{url} answered {exc.response.status_code}.") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise NotFetched(f"{url} could not be fetched: {exc}. Is there a connection to it?") from exc


def _table() -> Table:
    caption = "NAME-fp16 is the same model in half precision, for a GPU."
    table = Table("model", "side", "served", "licence of the weights", caption=caption)
    for model in MODELS.values():
        table.add_row(model.name, str(model.side), _served(model), model.licence)
    return table


def _served(model: Model) -> str:
    if model.unserved:
        return f"no: {model.unserved}"
    return "yes" if model.commercial else "where non-commercial models are allowed"


if __name__ == "__main__":
    sys.exit(main())
