"""What is timed of the peers, in environments of their own; no script here imports ours."""
