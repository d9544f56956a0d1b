"""From samples to audio embeddings: log-mel features and the audio encoder."""
