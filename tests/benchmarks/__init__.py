"""
How fast it is, honestly: each figure beside a baseline of the same run and the disk's fdatasync.

`make bench` prints them. None of them passes or fails a test.
"""
