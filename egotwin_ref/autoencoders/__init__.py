"""VAEs: `video_vae` for frames, `motion_vae` for motion features, `mld_vae` and `path_tokens` for single rows.

`causal_conv` and `linear_code` are parts of the motion VAEs; `reconstruction` measures what a video VAE loses.
"""
