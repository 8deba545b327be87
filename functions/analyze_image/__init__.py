"""AnalyzeImage: labels, faces, text, moderation and image properties of a picture."""
