"""Atomic writes, file leases, ownership and file identity."""
