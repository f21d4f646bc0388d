"""How the rows are trained. Read in this order:

`stages` (what each stage trains), `artefacts` (one training from start to weights and card), `loop` and `stepping` (the
steps), `objective` and `vae_losses` (the losses), `recipes` (the numbers).

`cards` records what weights were made from. `adoption` takes over weights of an earlier training. `shipping` copies
finished weights into the folder that models read. `latent_cache` keeps compressed clips. `networks` builds the
transformer as a stage trains it. `distributed` is for several processes.
"""
