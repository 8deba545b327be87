"""Train the model that comes with the app: ``make train``, or ``python -m inference_image.training.train --help``.

Pictures are composed on the way, from one seed. ``.training/`` keeps a log and a checkpoint, from which the next run
goes on; ``--from-model`` starts from an exported file instead.
"""

import argparse
import copy
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from inference_image.registry import IMAGENET_DEVIATION, IMAGENET_MEAN
from inference_image.training.compositing import Bank, Example, compose
from inference_image.training.network import MaskNetwork
from inference_image.training.sources import NotFetched, read_bank

FOLDER = Path(".training")
HELD_OUT = 20  # of so many objects or photographs, one is kept for validation
VALIDATION_EXAMPLES = 256
VALIDATION_SIDE = 256
SIDES = ((0.7, 192), (1.0, 256))  # up to a share of all steps: pixels of the pictures' side
BUFFER = 512  # composed pictures that a loader draws from
USES = 3  # of each composed picture, on average
WARM_UP = 300  # steps
DECAY_FROM = 0.5  # of all steps; from there the learning rate falls to 0 as a cosine
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.02
AVERAGING = 0.998  # of the weights, a step
AUXILIARY = 0.2  # weight of each of the coarse logits' losses
EVERY = 100  # steps between two lines of the log
CHECK_EVERY = 1000  # steps between two validations and checkpoints
INTERRUPTED = 130  # what a shell reports for Ctrl-C

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class State(NamedTuple):
    """What a run goes on from."""

    network: MaskNetwork
    averaged: MaskNetwork
    optimizer: torch.optim.Optimizer


class Composed(IterableDataset[Arrays]):
    """Endless examples: each composed picture stays in a buffer, and is drawn from it ``USES`` times on average."""

    def __init__(self, bank: Bank, side: int, seed: tuple[int, ...]) -> None:
        self.bank, self.side, self.seed = bank, side, seed

    def __iter__(self) -> Iterator[Arrays]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        buffer: list[Example] = []
        while True:
            example = compose(rng, self.bank, self.side)
            if len(buffer) < BUFFER:
                buffer.append(example)
                yield _varied(rng, example)
                continue
            buffer[rng.integers(BUFFER)] = example
            for _ in range(USES):
                yield _varied(rng, buffer[rng.integers(BUFFER)])


def _varied(rng: np.random.Generator, example: Example) -> Arrays:
    """Mirror an example and change its brightness and white balance. Gives (3, S, S) and (1, S, S), uint8."""
    picture, alpha = example
    if rng.random() < 0.5:
        picture, alpha = picture[:, ::-1], alpha[:, ::-1]
    levels = np.arange(256)[:, None] * rng.lognormal(0, 0.12) * rng.lognormal(0, 0.04, 3)
    varied = cv2.LUT(picture, np.clip(levels, 0, 255).astype(np.uint8)[None])
    return np.ascontiguousarray(varied.transpose(2, 0, 1), np.uint8), np.ascontiguousarray(alpha[None])


def split(bank: Bank) -> tuple[Bank, Bank]:
    """Keep every ``HELD_OUT``-th object, photograph and scene from training. Returns training's and validation's."""

    def part(*, held_out: bool) -> Bank:
        def take(pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
            return [picture for index, picture in enumerate(pictures) if (index % HELD_OUT == 0) == held_out]

        return Bank([take(group) for group in bank.objects], take(bank.photographs), take(bank.scenes))

    return part(held_out=False), part(held_out=True)


def normalise(pictures: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, 3, S, S) to float32, by ImageNet's mean and deviation."""
    values = (IMAGENET_MEAN, IMAGENET_DEVIATION)
    mean, deviation = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in values)
    return ((pictures.to(device).float() / 255 - mean) / deviation).to(memory_format=torch.channels_last)


def loss(logits: list[Tensor], alpha: Tensor) -> Tensor:
    """Cross-entropy and 1 - IoU (soft), at full size and, with less weight, at the coarse ones."""
    total = torch.zeros((), device=alpha.device)
    for index, coarse in enumerate(logits):
        found = coarse.float()
        target = alpha if index == 0 else functional.interpolate(alpha, size=found.shape[-2:], mode="area")
        probability = found.sigmoid()
        shared = (probability * target).sum((1, 2, 3))
        both = (probability + target - probability * target).sum((1, 2, 3))
        part = functional.binary_cross_entropy_with_logits(found, target) + (1 - (shared + 1) / (both + 1)).mean()
        total = total + part * (1 if index == 0 else AUXILIARY)
    return total


@torch.no_grad()
def validate(network: nn.Module, examples: list[Example], device: torch.device) -> tuple[float, float]:
    """Mean IoU at a threshold of 0.5 and mean absolute error over examples."""
    network.eval()
    overlaps, errors = [], []
    for start in range(0, len(examples), 32):
        part = examples[start : start + 32]
        pictures = torch.from_numpy(np.stack([example.picture.transpose(2, 0, 1) for example in part]))
        found = network(normalise(pictures, device))[0].sigmoid().float().cpu().numpy()[:, 0]
        truth = np.stack([example.alpha for example in part]) / 255
        errors.extend(np.abs(found - truth).mean((1, 2)))
        ours, theirs = found > 0.5, truth > 0.5
        overlaps.extend((ours & theirs).sum((1, 2)) / np.maximum((ours | theirs).sum((1, 2)), 1))
    return float(np.mean(overlaps)), float(np.mean(errors))


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, constant, then a cosine to 0."""
    done = max(0.0, (step / steps - DECAY_FROM) / (1 - DECAY_FROM))
    return LEARNING_RATE * min(1, (step + 1) / WARM_UP) * (1 + math.cos(math.pi * done)) / 2


def train(state: State, step: int, steps: int, batch: int, seed: int, workers: int) -> None:
    """Run from ``step`` up to ``steps`` steps in all, and keep the state on the way."""
    cv2.setNumThreads(1)  # its threads would be missing from the loaders' processes, which are forked
    device = next(state.network.parameters()).device
    bank, held_out = split(read_bank(FOLDER))
    rng = np.random.default_rng((seed, 1))
    examples = [compose(rng, held_out, VALIDATION_SIDE) for _ in range(VALIDATION_EXAMPLES)]
    compiled = torch.compile(state.network)
    for until, side in SIDES:
        last = round(until * steps)
        if step >= last:
            continue
        batches = iter(DataLoader(Composed(bank, side, (seed, side, step)), batch, num_workers=workers))
        started, losses = time.perf_counter(), []
        try:
            while step < last:
                pictures, alpha = next(batches)
                losses.append(_take_step(compiled, state, pictures, alpha.to(device) / 255, step, steps))
                if len(losses) == 1:  # each side is compiled anew
                    _require_gradients(state.network)
                step += 1
                if step % EVERY == 0:
                    rate = len(losses) * batch / (time.perf_counter() - started)
                    mean_loss = round(float(np.mean(losses)), 4)
                    _log(step=step, side=side, loss=mean_loss, pictures_per_s=round(rate, 1))
                    started, losses = time.perf_counter(), []
                if step % CHECK_EVERY == 0 or step == steps:
                    iou, error = validate(state.averaged, examples, device)
                    _log(step=step, validation_iou=round(iou, 4), validation_error=round(error, 4))
                    _save(state, step)
        except KeyboardInterrupt:
            _save(state, step)
            raise


def _take_step(compiled: nn.Module, state: State, pictures: Tensor, alpha: Tensor, step: int, steps: int) -> float:
    """Learn from one batch. Returns its loss."""
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(step, steps)
    state.network.train()
    with torch.autocast(alpha.device.type, torch.bfloat16):
        logits = compiled(normalise(pictures, alpha.device))
    lost = loss(logits, alpha)
    state.optimizer.zero_grad(set_to_none=True)
    lost.backward()
    nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    state.optimizer.step()
    _average(state.averaged, state.network, min(AVERAGING, (step + 1) / (step + 10)))
    return lost.item()


def _require_gradients(network: nn.Module) -> None:
    """Stop where a part learns nothing, as a compiler's fault may have it: nothing else would tell."""
    idle = [name for name, part in network.named_parameters() if part.grad is None or not part.grad.any()]
    if idle:
        raise RuntimeError(f"No gradient reaches {', '.join(idle)}.")


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    for ours, theirs in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if ours.dtype.is_floating_point:
            ours.lerp_(theirs, 1 - keep)
        else:
            ours.copy_(theirs)


def new_state(device: torch.device) -> State:
    """A network with random weights, from PyTorch's seed."""
    network = MaskNetwork().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    return State(network, copy.deepcopy(network), optimizer)


def read_model(state: State, path: Path) -> None:
    """Take the weights of an exported file; what only training has, the coarse logits' weights, stays as it is."""
    graph = onnx.load(path).graph
    weights = {
        kept.name.removesuffix(".half"): torch.from_numpy(numpy_helper.to_array(kept).copy())
        for kept in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:  # the exporter keeps equal weights once
            weights[node.output[0]] = weights[node.input[0]]
    own = {name.removeprefix("network."): values for name, values in weights.items()}
    for network in (state.network, state.averaged):
        network.load_state_dict({name: own[name] for name in network.state_dict() if name in own}, strict=False)


def _resume(state: State) -> int:
    """Take the checkpoint's state, where there is one. Returns the steps that are done."""
    path = FOLDER / "checkpoint.pt"
    if not path.exists():
        return 0
    kept = torch.load(path, map_location=next(state.network.parameters()).device, weights_only=True)
    for part, values in zip(state, kept["state"], strict=True):
        part.load_state_dict(values)
    print(f"Going on from step {kept['step']}.", file=sys.stderr)
    return int(kept["step"])


def _save(state: State, step: int) -> None:
    path = FOLDER / "checkpoint.pt"
    torch.save({"state": [part.state_dict() for part in state], "step": step}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _log(**values: float) -> None:
    line = json.dumps(values)
    print(line, flush=True)
    with (FOLDER / "log.jsonl").open("a") as log:
        log.write(line + "\n")


def main() -> int:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(prog="python -m inference_image.training.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=6000, help="in all, those of earlier runs included (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="pictures a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and pictures (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that compose pictures (%(default)s)")
    parser.add_argument("--from-model", type=Path, metavar="FILE", help="start from the weights of an exported file")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    state = new_state(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    FOLDER.mkdir(exist_ok=True)
    if arguments.from_model:
        read_model(state, arguments.from_model)
    step = 0 if arguments.from_model else _resume(state)
    try:
        train(state, step, arguments.steps, arguments.batch, arguments.seed, arguments.workers)
    except NotFetched as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        print(f"Interrupted; {FOLDER} keeps what was learned.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
