"""Small real files with the inputs and outputs of Segment Anything's: their masks are drawn from prompts and pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
from numpy.typing import NDArray

RADIUS = 160  # pixels of the padded square around a point

# Normalises, pads at the right and at the bottom, and pools. The first channel is positive where the picture is bright.
ENCODER = """
<ir_version: 10, opset_import: ["": 17]>
encoder (float[image_height, image_width, 3] input_image) => (float[1, 256, 64, 64] image_embeddings)
<
  float[3] mean = {123.675, 116.28, 103.53}, float[3] deviation = {58.395, 57.12, 57.375}, int64[1] first = {0},
  int64[2] square = {1024, 1024}, int64[6] none = {0, 0, 0, 0, 0, 0}
>
{
  centred = Sub(input_image, mean)
  normalised = Div(centred, deviation)
  planes = Transpose<perm = [2, 0, 1]>(normalised)
  picture = Unsqueeze(planes, first)
  size = Shape<start = 2>(picture)
  missing = Sub(square, size)
  pads = Concat<axis = 0>(none, missing)
  padded = Pad(picture, pads)
  pooled = AveragePool<kernel_shape = [16, 16], strides = [16, 16]>(padded)
  image_embeddings = Conv(pooled, kernel)
}
"""

# A mask is what is bright and within every mark: a disc around a point of label 1, all but such a disc for label 0,
# right of and below a corner of label 2, left of and above one of label 3; nothing without the padding of label -1. As
# in the files that rembg publishes, ``masks`` has the right aspect for pictures of 3:2 only.
DECODER = """
<ir_version: 10, opset_import: ["": 17]>
decoder (
  float[1, 256, 64, 64] image_embeddings, float[1, num_points, 2] point_coords, float[1, num_points] point_labels,
  float[1, 1, 256, 256] mask_input, float[1] has_mask_input, float[2] orig_im_size
) => (float[1, n, height, width] masks, float[1, n] iou_predictions, float[1, n, 256, 256] low_res_masks)
<
  float padding = {-1}, float background = {0}, float foreground = {1}, float upper_left = {2}, float lower_right = {3},
  float everywhere = {10000}, float slope = {0.2}, int64[1] first = {0}, int64[1] second = {1},
  int64[1] rows_axis = {2}, int64[1] rows_end = {683}, int64[2] lower_axes = {2, 3}, int64[1] last = {3},
  int64[4] low_size = {1, 1, 256, 256}
>
{
  x, y = Split<axis = 2>(point_coords)
  xs = Unsqueeze(x, last)
  ys = Unsqueeze(y, last)
  labels = Unsqueeze(point_labels, lower_axes)
  right = Sub(columns, xs)
  below = Sub(rows, ys)
  right_squared = Mul(right, right)
  below_squared = Mul(below, below)
  squared = Add(right_squared, below_squared)
  distance = Sqrt(squared)
  disc = Sub(radius, distance)
  hole = Neg(disc)
  after = Min(right, below)
  beyond = Max(right, below)
  before = Neg(beyond)
  is_padding = Equal(labels, padding)
  is_background = Equal(labels, background)
  is_foreground = Equal(labels, foreground)
  is_upper_left = Equal(labels, upper_left)
  is_lower_right = Equal(labels, lower_right)
  unmarked = Where(is_padding, everywhere, distance)
  with_holes = Where(is_background, hole, unmarked)
  with_discs = Where(is_foreground, disc, with_holes)
  with_corners = Where(is_upper_left, after, with_discs)
  marks = Where(is_lower_right, before, with_corners)
  all_marks = ReduceMin<axes = [1]>(marks)
  prompted = Mul(all_marks, slope)
  brightness = Slice(image_embeddings, first, second, second)
  bright = Resize<mode = "linear">(brightness, , , low_size)
  found = Min(prompted, bright)
  prior = Mul(mask_input, has_mask_input)
  started = Add(found, prior)
  paddings = Cast<to = 1>(is_padding)
  padded_prompt = ReduceMax<axes = [1]>(paddings)
  logits = Mul(started, padded_prompt)
  low_res_masks = Mul(logits, signs)
  iou_predictions = Identity(scores)
  padded = Resize<mode = "linear">(low_res_masks, , , square_size)
  cropped = Slice(padded, first, rows_end, rows_axis)
  size = Cast<to = 7>(orig_im_size)
  full_size = Concat<axis = 0>(count, size)
  masks = Resize<mode = "linear">(cropped, , , full_size)
}
"""


def write_sam(folder: Path, scores: Sequence[float] = (0.9,)) -> Path:
    """Write ``sam.onnx`` and ``sam.decoder.onnx``; gives the folder.

    Args:
        folder: where to.
        scores: what the decoder predicts of each of its masks: all but that of the highest are inside out.
    """
    kernel = np.random.default_rng(0).normal(size=(256, 3, 1, 1)).astype(np.float32)
    kernel[0] = 4  # steep, so that the picture's edges are sharp in the mask
    _write(folder / "sam.onnx", ENCODER, kernel=kernel)
    centres = np.arange(2, 1024, 4, dtype=np.float32)
    signs = np.where(np.array(scores) == max(scores), 1, -1)
    _write(
        folder / "sam.decoder.onnx",
        DECODER,
        columns=centres.reshape(1, 1, 1, 256),
        rows=centres.reshape(1, 1, 256, 1),
        radius=np.array(RADIUS, np.float32),
        scores=np.array([scores], np.float32),
        signs=signs.astype(np.float32).reshape(1, -1, 1, 1),
        count=np.array([1, len(scores)]),
        square_size=np.array([1, len(scores), 1024, 1024]),
    )
    return folder


def _write(path: Path, text: str, **constants: NDArray[np.generic]) -> None:
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
