// An append-only log whose records survive whatever kills the program.
//
//     swift run pmem2-log

import Glibc

exit(runLog(Array(CommandLine.arguments.dropFirst())))
