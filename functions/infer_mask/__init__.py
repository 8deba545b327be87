"""InferMask: the mask of a picture, from the inference endpoint."""
