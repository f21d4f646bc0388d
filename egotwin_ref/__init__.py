"""EgoTwin (ICLR 2026) in plain torch: first-person video and the wearer's motion from one diffusion transformer.

Read in this order: `representation`, `motion_vae`, `video_vae`, `positions`, `blocks`, `model`, `diffusion`,
`sampling`, `objective`, `training`, `stages`. `PAPER.md` names, for each equation, the place that computes it and what
we chose where the paper is silent. `plan`, `pace` and `guidance_choice` serve the table of all rows. Only the files
named `adapter…` know EgoBench.
"""
