"""The step that decides whether an upload is a picture we take, and makes its proxy."""
