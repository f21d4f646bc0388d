"""From files to networks: `weights` (the format), `cogvideox` (public weights), `bundle` (a row, ready to sample)."""
