# tapedeck in a container: README.md says how it is run. The commands that build it are also run, without an engine, by
# TestContainer in collector/command, which holds the other rules of this file, too.

# The minor version is pinned, as in go.mod. Debian's variant has git in it: without it the build would not know its commit.
FROM golang:1.26-bookworm AS build
WORKDIR /src

# A layer of its own, so that a change of the source fetches nothing again. There are no cache mounts: Railway takes only
# those that are named after the service.
COPY go.mod go.sum ./
RUN go mod download

# With .git, from which the version comes. Where a platform leaves .git out the image says "devel".
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/tapedeck .

# The binary needs nothing. Alpine is here for its shell, in 9 MB: a person looks around with it, and files come off a
# volume with "railway ssh -- tapedeck export ...". A slim Debian would be ten times that.
FROM alpine:3.23

ARG VERSION=devel
LABEL org.opencontainers.image.title="tapedeck" \
      org.opencontainers.image.description="A recorder for the market's tape: one binary, one file" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"

COPY --from=build /out/tapedeck /usr/local/bin/tapedeck

# The default file, data/tapedeck.db, is /data/tapedeck.db from here. The volume is mounted there by whoever runs the
# image; Railway refuses to build one that declares a volume.
WORKDIR /
ENV PORT=8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 CMD ["tapedeck", "healthcheck"]

# No shell between the engine and the recorder, so that SIGTERM reaches it; and no entry point, so that
# "docker run IMAGE tapedeck export" and "docker exec NAME tapedeck export" are the same words.
CMD ["tapedeck", "run"]
