"""What is done: plans, proposals, training."""
