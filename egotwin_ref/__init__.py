"""EgoTwin (ICLR 2026) in plain torch: first-person video and the wearer's motion from one diffusion transformer.

Read in this order: `representation`, `motion_vae`, `video_vae`, `model`, `diffusion`, `training`. `PAPER.md` names, for
each equation, the line that computes it and what we chose where the paper is silent. Only `adapter.py` knows EgoBench.
"""
