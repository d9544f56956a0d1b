"""Output names, plans and the queue of a run."""
