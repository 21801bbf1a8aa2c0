"""ST Edge AI Developer Cloud: a client of its REST interface, which measures models on ST's own boards.

Texts of the server are shown in one bounded line, with secrets hidden; answers, archives and waits have limits;
certificates are always verified; nothing is measured elsewhere when the cloud fails.
"""
