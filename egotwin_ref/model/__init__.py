"""The paper's model. Read in this order:

`configs` (sizes and rows), `representation` (poses ↔ motion features), `tokens` (the sequence and its clock), `mask`
(the interaction mechanism), `positions`, `attention`, `blocks`, `network`, `diffusion` (schedule and samplers),
`sampling` (modes and guidance).

`skeleton` and `frames` serve `representation`; `text` encodes prompts.
"""
