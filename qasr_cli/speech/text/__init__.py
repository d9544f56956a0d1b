"""Words as people read them, and tokens as the aligner counts them."""
