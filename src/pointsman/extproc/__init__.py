"""Edge: Envoy's external processing protocol.

`protocol.py` is a state machine without I/O; `messages.py` alone sees protobuf; `server.py` is
the pump.
"""
