"""What not every system has, and what stands in its place: the only room that imports POSIX's own modules."""
