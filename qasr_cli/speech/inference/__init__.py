"""The protocols of engines, and batching."""
