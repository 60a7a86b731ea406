"""A patient's head: how it moves, what it is shaped like, how hard it is to push."""
