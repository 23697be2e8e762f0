# The worker and the command line, in one image; docker-compose.yml says which of them a container runs.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# The modules are a layer of their own: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./worker ./starter

# Alpine for its wget, with which the health check asks the worker.
FROM alpine:3.24.1
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /usr/local/bin/
COPY demo/programme.yaml /demo/
USER nobody
CMD ["worker"]
