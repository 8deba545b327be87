"""SaveResult: the terminal record of a picture, and what people are told of it."""
