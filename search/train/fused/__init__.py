"""Many trials as one JAX program: what differs between them is a number in it."""
