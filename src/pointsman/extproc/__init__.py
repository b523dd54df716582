"""Edge: Envoy's external processing protocol, one gRPC stream for each HTTP request.

`events` and `protocol` are a state machine without I/O; `dialects` chooses how far a response is
observed; `errors` is the one table from domain errors to HTTP; `messages` alone sees protobuf;
`exchange` joins these to the director, still without waiting; `server` is the pump. `health` and
`tls` stand beside it. Knows nothing of endpoints, models or scheduling.
"""
