"""The decoder of `subjects.language_model.decoder` as kernels for the processor: a token is one call.

A token needs every weight once, and reading them from memory is nearly all of its time. So weights are kept as narrow
as they are in their file (half precision is widened on the way into the arithmetic, which loses nothing; eight bits
where asked for), in one buffer in the order of use, and asked for ahead of time while the sums before them are formed.
"""
