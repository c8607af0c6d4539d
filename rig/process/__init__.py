"""A session in a process of its own: host, client, and the shared memory between them."""
