"""From samples to words with times: voice activity, chunks, batches, recognition, alignment."""
