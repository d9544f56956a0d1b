"""What an engine must offer, and how chunks are batched for it."""
