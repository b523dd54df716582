"""Pure: builds Envoy configuration from typed dataclasses, and knows nothing of files or processes.

One file per concept: `settings` (what a user may choose; imports nothing heavy), `modes`,
`picker_filter`, `picker_cluster`, `pool_cluster`, `routes`, `listener`, `access_log`, `bootstrap`
(puts them together) and `text` (prints). Everything but `settings` imports `envoy_data_plane`,
which takes about a second, so nothing on the picker's path may import it.
"""
