"""Tests of the tests: changes what decides in `safety/` one operator at a time, and asks whether a test notices.

`make mutation` copies the tree (`tree`), has mutmut write every mutant into it, evaluates each in a fork of one
collected test session (`evaluation`) and judges what came out (`judgement`). Survivors that do not matter stand in
`explained.toml`, each with its reason.
"""
