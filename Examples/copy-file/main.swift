import Glibc

// The one place that ends the process. Nothing else stands here: closures formed at the top level
// belong to the main actor, and trap when a mover's thread runs them.
exit(runCopyFile(Array(CommandLine.arguments.dropFirst())))
