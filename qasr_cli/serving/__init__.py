"""Many requests: the HTTP server and what it shares with Wyoming's.

In go sockets and the options of the server; out come answers. The whole pipeline of a file is behind each
request, and the chunks of all requests share one pool.
"""
