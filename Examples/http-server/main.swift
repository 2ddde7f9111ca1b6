import Glibc

// Nothing else stands here: closures formed at the top level belong to the main actor, and trap when
// another thread runs them.
exit(runServer(Array(CommandLine.arguments.dropFirst())))
