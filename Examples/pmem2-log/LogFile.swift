import Glibc

/// The open file of a log, which no other process has open; closed when it goes out of scope.
final class LogFile {
  let descriptor: CInt

  /// Opens a file, or makes one with room for each byte.
  init(path: String, byteCount: Int) throws(LogError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("open", errno: errno) }
    // The lock goes with the process, however that ends.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw errno == EWOULDBLOCK ? .inUse : .system("flock", errno: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("fstat", errno: errno) }
    if status.st_size == 0 {
      let number = posix_fallocate(descriptor, 0, byteCount)
      guard number == 0 else { throw .system("posix_fallocate", errno: number) }
      // The name and the size, too, must be there after a power cut.
      guard fsync(descriptor) == 0 else { throw .system("fsync", errno: errno) }
      try Self.synchroniseDirectory(of: path)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Closing alone would leave the lock to a child that was forked and has not called exec yet.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private static func synchroniseDirectory(of path: String) throws(LogError) {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("fsync", errno: errno) }
  }
}
