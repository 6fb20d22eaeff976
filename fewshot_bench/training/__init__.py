"""Training: the loop, supervised pretraining, episodic meta-training, stored weights."""
