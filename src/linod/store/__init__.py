"""The store: the only truth about decisions and runs, behind one interface.

Rules of this border:
- All instants are aware UTC; a row is a frozen value.
- Whoever decides does so inside `transaction()`; what is in it is durable when it returns.
- Exactly one connection in one process writes; readers open the file `mode=ro`.
"""
