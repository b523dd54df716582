"""The demo: the same load twice over the same simulated pool, round robin and then Pointsman.

`run` names the steps; `stack` starts and stops processes; `live`, `table`, `plots` and `page` only
show what `model` holds. Everything listens on 127.0.0.1 and is gone when the demo ends.
"""
