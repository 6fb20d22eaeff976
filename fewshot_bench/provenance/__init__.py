"""Which code made a result: version, commit, and digests of methods and backbones."""
