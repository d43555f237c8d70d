"""The frozen records that travel between rooms, a file for each story.

Paths are `bytes` everywhere below the reports: a file name is whatever the file system holds, and
need not be text. Sizes are bytes, times nanoseconds since the epoch unless a name says otherwise.
"""
