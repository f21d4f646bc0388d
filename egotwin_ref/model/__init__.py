"""The paper's model. Read in this order:

`configs` (sizes and rows), `representation` (poses ↔ motion features), `positions` (clock and interaction mask),
`attention`, `blocks`, `network`, `diffusion` (schedule and samplers), `sampling` (modes and guidance).

`skeleton` and `frames` serve `representation`; `text` encodes prompts.
"""
