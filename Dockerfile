# qasr in a container: `docker build -t qasr:cpu .`, and for NVIDIA's GPUs with `--build-arg TORCH=cu130 -t qasr:cuda`.
# How to use it: docs/how-to/docker.md. `make container` lints, builds and tries it.

FROM python:3.11-slim-trixie AS system
SHELL ["/bin/sh", "-eu", "-c"]
# Debian's ffmpeg, and not the static one of imageio-ffmpeg: it reads files of strangers, and Debian corrects its holes
# without a new version of qasr. A rebuild with --pull --no-cache gets what has been corrected.
# Of what ffmpeg brings along, what draws on a screen stays away (200 MB); it would be loaded only there.
# hadolint ignore=DL3008
RUN printf 'path-exclude /usr/lib/*/%s\n' 'libLLVM*' 'libgallium*' 'libz3.so*' > /etc/dpkg/dpkg.cfg.d/no-screen \
    && apt-get update -q \
    && apt-get install -qy --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*

# The wheel of qasr, and the list of what it needs. What belongs to the build stays in this stage.
FROM system AS wheel
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY docker/requirements.py docker/
COPY docs/qasr.1 docs/
COPY qasr_cli qasr_cli
# Extras of pyproject.toml: ja and ko for words of Japanese and Korean, jit for speed on a CPU (170 MB).
ARG EXTRAS=serve,wyoming
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=cache,target=/root/.cache/pip \
    pip wheel --quiet --no-deps --wheel-dir /built . \
    && python docker/requirements.py --extras "$EXTRAS" --without torch imageio-ffmpeg > /built/requirements.txt \
    && cp constraints.txt /built \
    && grep '^torch==' constraints.txt > /built/torch.txt

FROM system AS image
# Which build of torch, by PyTorch's own name for it: cpu, cu130 (NVIDIA's cards since Turing, 2018), cu126 (older ones).
ARG TORCH=cpu
# Where it comes from; an empty one leaves that to pip and its configuration.
ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH}
# A layer of its own: torch is the largest part by far, and changes least. Another pin does not change this file.
COPY --from=wheel /built/torch.txt /tmp/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --root-user-action=ignore --requirement /tmp/torch.txt \
    ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    && rm -r /usr/local/lib/python3.11/site-packages/torch/include /usr/local/lib/python3.11/site-packages/torch/test
COPY --from=wheel /built/requirements.txt /built/constraints.txt /tmp/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --root-user-action=ignore --constraint /tmp/constraints.txt --requirement /tmp/requirements.txt \
    && rm /tmp/*
RUN --mount=type=bind,from=wheel,source=/built,target=/built \
    pip install --quiet --root-user-action=ignore --no-cache-dir --no-deps --no-index /built/*.whl
COPY docker/entrypoint.sh docker/healthcheck.py /usr/local/lib/qasr/
COPY samples/clips/clip-01.wav /usr/local/share/qasr/sample.wav

# A new volume gets its owner from here. The default user is 1000, with no name in /etc/passwd.
RUN mkdir -p /config /media /models && chown 1000:1000 /config /media /models
ENV PUID=1000 PGID=1000 UMASK=022 \
    HOME=/config HF_HOME=/models QASR_CACHE=/models/qasr \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME ["/config", "/models"]
WORKDIR /media

ARG REVISION=
LABEL org.opencontainers.image.title="qasr" \
      org.opencontainers.image.description="Turn media into subtitles with word-level timings, on Qwen3-ASR." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-SA-3.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-trixie" \
      qasr.torch="$TORCH"

# Its own, and Wyoming's where it is asked for.
EXPOSE 8000 10300
STOPSIGNAL SIGTERM
# A model that must be downloaded takes its time: only after 30 minutes does a server that still loads count as ill.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30m --retries=3 \
    CMD ["python", "/usr/local/lib/qasr/healthcheck.py"]
ENTRYPOINT ["/usr/local/lib/qasr/entrypoint.sh"]
CMD ["serve", "--host", "0.0.0.0"]
