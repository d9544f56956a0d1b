"""Figures of evaluations against the packages that others use: `make oracles`, in an own environment."""
