"""What is known about endpoints: the signal table, the in-flight ledger, the prefix index.

Everything here is written on the data path's loop thread only, and read by decisions that
do not wait.
No I/O: scrapes and discovery are edges that call in.
"""
