# syntax=docker/dockerfile:1

# The steps of this file are tested without Docker: testdata/deploy/check.sh
# reads them from here and runs them. Keep them plain.

FROM golang:1.26 AS build
WORKDIR /src
COPY . .
ARG VERSION=devel
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/relevo ./cmd/relevo
RUN mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/relevo /relevo
# An empty folder of the right owner: a fresh volume takes its owner over.
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV RELEVO_DATA=/data RELEVO_LISTEN=:8080
VOLUME /data
EXPOSE 8080
USER nonroot
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/relevo", "healthcheck"]
ENTRYPOINT ["/relevo"]
CMD ["serve"]
