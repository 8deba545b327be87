"""How the default model was made: pictures, network, training. Not part of the serving image."""
