"""Many sources: find them, keep every batch full across them, write atomically, report."""
