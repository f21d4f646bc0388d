"""How the rows are trained. Read in this order:

`stages` (what each stage trains), `artefacts` (one training from start to weights and card), `loop` and `stepping` (the
steps), `objective` and `vae_losses` (the losses), `recipes` (the numbers).

`cards` says what weights were made by, `adoption` takes over weights of an earlier training, `shipping` puts finished
ones into a folder of their own, `latent_cache` keeps the compressed clips, `distributed` is for several processes.
"""
