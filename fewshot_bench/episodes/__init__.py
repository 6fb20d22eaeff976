"""Episodes: their shape, which images make them, the batch a method is given, and a picture."""
