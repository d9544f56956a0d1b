"""Discovery and selection of the sources of a run."""
