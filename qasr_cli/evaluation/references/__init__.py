"""Readers of reference sets: corpora, manifests, a user's own media beside texts."""
