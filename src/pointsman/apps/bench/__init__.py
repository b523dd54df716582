"""`pointsman bench picker`: what a request costs the picker, beside the floor, on a real Envoy.

The floor is a bare `grpc.aio` server that answers the same messages with the same kinds of reply
and knows nothing: no protobuf, no JSON, one endpoint. Both are measured in turn, in one run.
"""
