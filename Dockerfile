# The worker, the console and the command line, in one image; docker-compose.yml says which of them a container runs.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# The modules are a layer of their own: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./worker ./starter ./server

# Alpine for its wget, with which the health check asks the worker.
FROM alpine:3.24.1
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /usr/local/bin/
COPY demo/programme.yaml /demo/
# Names the build among the versions of the deployment (WORKER_VERSIONING): the commit, which the binary does not know here.
#   docker build --build-arg BUILD_ID=$(git rev-parse HEAD) .
ARG BUILD_ID=
ENV WORKER_BUILD_ID=$BUILD_ID
USER nobody
CMD ["worker"]
