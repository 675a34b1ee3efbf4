# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
#
# docker build --tag steelflow .
# docker run --name demo steelflow && docker cp demo:/home/steelflow/steelflow/build .
FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates g++ make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 steelflow

USER steelflow
RUN mkdir /home/steelflow/steelflow
WORKDIR /home/steelflow/steelflow
COPY --chown=steelflow:steelflow . .
RUN bash build_scripts/setup.sh

CMD ["bash", "build_scripts/demo.sh"]
