"""The embedded world: rooms, wearers and cameras whose truth is known exactly, with its splits and its evaluators.

It joins EgoBench as any outside data set can: by entry points (`egobench.splits`, `egobench.extractors`,
`egobench.estimators`, `egobench.fitters`). EgoBench itself imports nothing of it.
"""
