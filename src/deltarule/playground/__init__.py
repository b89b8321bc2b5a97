"""The playground: every sum, delta and update of the real kernels, on a page in the browser.

Its engine is this library: `lab` steps with the engines' own sessions, `desk` answers one page,
`wire` is how messages lie in bytes, `asks` checks them, `answers` does them.
"""
