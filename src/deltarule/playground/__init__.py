"""The playground: every sum, delta and update of the real kernels, on a page in the browser.

Its engine is this library: `lab` steps with the engines' own sessions, `desk` answers one page,
`wire` is how messages lie in bytes, `asks` checks them, `answers` does them.

A model of one's own comes by way of `sources`, which brings it and its rows to one form, `subject`,
what the page is told of it, and `shown`, what all pages of a server see, a fit under way too.
`handle` is ``dr.play``, `meeting` joins sockets and desks, `record` writes one HTML file that needs
no server. The server is:

================  ===============================================================
`room.py`         what happens behind an open socket, as a promise
`addresses.py`    under which addresses browsers may reach the server
`keys.py`         tokens that open once, and the sessions they are exchanged for
`headers.py`      what every answer carries, the content security policy first
`guard.py`        the one layer around all routes, which refuses by default
`assets.py`       the files of the page, read once
`app.py`          the routes
`connection.py`   connections whose other end is slow
`serve.py`        a socket, the guard, the routes and uvicorn put together
================  ===============================================================

The server's libraries (the extra ``play``) are loaded by `app.py` and what builds on it.
"""
