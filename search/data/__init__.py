"""Images to train on: the datasets, what is required of them, and the arrays on disk that workers share.

`search.data.prepared.prepare` is the way in. Nothing here imports Keras or TensorFlow.
"""
