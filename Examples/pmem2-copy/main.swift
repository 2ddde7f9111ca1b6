// A durable copy into a mapped file, with the granularity and the mover of one's choice.
//
//     swift run pmem2-copy SOURCE DESTINATION

import Glibc

exit(runCopy(Array(CommandLine.arguments.dropFirst())))
