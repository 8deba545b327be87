"""The step that cuts the picture out at full size and makes every rendition of it."""
