"""Activations by Keras's names, for the models that let a study choose one."""

ACTIVATIONS = [
    "elu",
    "relu",
    "selu",
    "gelu",
    "swish",
    "leaky_relu",
    "tanh",
    "sigmoid",
    "hard_sigmoid",
    "linear",
]
