"""`make bench`: the harness and its peers, timed in one run on the same inputs."""
