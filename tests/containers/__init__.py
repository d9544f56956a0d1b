"""Lint, build and try the container image: `make container`.

    python -m tests.containers             lint, build, try
    python -m tests.containers --only lint

It needs podman or docker with its daemon. Containers run without a network. Where no image registry can be
reached, the base image is made from Debian's packages (`local_base`). What is tried with the image is in
`smoke_*.py`, which only this program collects.
"""
