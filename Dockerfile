# A static binary on nothing at all: no shell, no root, one writable folder.

FROM golang:1.26-alpine AS build
WORKDIR /src
RUN apk add --no-cache ca-certificates && mkdir -p /out/data /out/tmp
COPY go.mod go.sum ./
COPY notify/fcm/leftout notify/fcm/leftout
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/lumbung ./cmd/lumbung

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/lumbung /lumbung
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY LICENSE /LICENSE

# Inside a container the server listens on every address and keeps its database
# on the volume. LUMBUNG_ENV, LUMBUNG_PUBLIC_URL and LUMBUNG_PEPPER_FILE are for
# the operator to decide.
ENV LUMBUNG_LISTEN=0.0.0.0:8080 \
    LUMBUNG_STORE=/data/lumbung.db \
    LUMBUNG_LOG_FORMAT=json
USER 65532:65532
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/lumbung", "check", "--live"]
ENTRYPOINT ["/lumbung"]
CMD ["serve"]
