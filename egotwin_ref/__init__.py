"""EgoTwin (ICLR 2026) in plain torch: first-person video and the wearer's motion from one diffusion transformer.

| package        | what it holds                                                                                   |
|----------------|-------------------------------------------------------------------------------------------------|
| `model`        | the paper's model: motion features, tokens, mask, transformer, diffusion, sampling              |
| `autoencoders` | the VAEs that turn video and motion into latents, and back                                      |
| `loading`      | weight files, CogVideoX's public weights, and a row with all of its networks (`Bundle`)         |
| `training`     | the stages, the loop, the losses and the recipes                                                |
| `table`        | all rows of the paper's table: what each costs to train, and how its guidance is chosen         |
| `adapters`     | the models, the control and the trainer that EgoBench calls; no other package imports `egobench` |

A package imports only packages above it in this table. `PAPER.md` names, for each equation, the place that computes it,
and what we chose where the paper is silent.
"""
