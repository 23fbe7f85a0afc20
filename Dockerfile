# docker build --build-arg VERSION=1.2.3 -t stepwell .
# docker run -p 8080:8080 -p 127.0.0.1:8081:8081 -v stepwell:/data --read-only stepwell
#
# Behind a proxy: --build-arg GOPROXY=URL, and --secret id=ca,src=BUNDLE.pem for a CA of one's own; neither
# leaves a trace in the image. HEALTHCHECK is of the docker image format: with buildah, --format docker.

ARG GO_VERSION=1.26
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS build
# Empty means Go's own default.
ARG GOPROXY
ENV GOMODCACHE=/cache/mod GOCACHE=/cache/build GOTOOLCHAIN=local CGO_ENABLED=0
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache \
    --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export SSL_CERT_FILE=/run/ca.pem; fi; \
    go mod download
COPY . .
# After the download, so that a new version or another platform does not fetch the modules again.
ARG TARGETOS TARGETARCH VERSION=dev
# The same source gives the same bytes: no paths, no VCS stamp, no symbol table.
RUN --mount=type=cache,target=/cache \
    --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export SSL_CERT_FILE=/run/ca.pem; fi; \
    GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false \
      -ldflags="-s -w -X github.com/stepwell/stepwell/runtime/app.version=$VERSION" \
      -o /out/stepwell ./cmd/stepwell \
 && mkdir /out/data

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="stepwell" \
      org.opencontainers.image.description="Durable workflows in one container" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version=$VERSION
# The roots for TLS come from the base image; time zones are inside the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
# An empty named volume takes its owner from this folder; a bind mount keeps its own.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/stepwell /stepwell

# PORT makes the API listen on all addresses. /data is the only place that need be writable, so it is TMPDIR too.
ENV PORT=8080 \
    STEPWELL_HEALTH_ADDR=0.0.0.0:8081 \
    STEPWELL_STORE=sqlite:/data/stepwell.db \
    TMPDIR=/data
EXPOSE 8080 8081
VOLUME ["/data"]
WORKDIR /data
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/stepwell", "healthcheck"]
ENTRYPOINT ["/stepwell"]
CMD ["serve"]
