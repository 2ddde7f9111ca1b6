// Counts the heap allocations of the process: it defines malloc and its family in front of glibc's.
#pragma once

/// How often memory was allocated so far, by any thread.
unsigned long counted_allocations(void);
