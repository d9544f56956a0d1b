"""The loop of `qasr watch`."""
