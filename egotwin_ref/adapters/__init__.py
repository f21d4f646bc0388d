"""What EgoBench calls: `model` (sampling), `vae_control` (a control), `training` (`egobench train egotwin`)."""
