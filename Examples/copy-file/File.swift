import Glibc

/// An open file; closed when it goes out of scope.
struct File: ~Copyable {
  let descriptor: CInt
  /// Its name, for messages.
  let path: String

  deinit { close(descriptor) }

  /// Opens a file that can be mapped, to read it.
  static func openToRead(_ path: String) throws(CopyError) -> File {
    // Not to wait for the writer of a pipe, only to learn that it is none of ours.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot open '\(path)'") }
    let file = File(descriptor: descriptor, path: path)
    try file.checkCanBeMapped()
    return file
  }

  /// What the system says about it.
  func status() throws(CopyError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("cannot look at '\(path)'") }
    return status
  }

  /// Its size in bytes.
  func byteCount() throws(CopyError) -> Int { try status().st_size }

  /// Waits until everything written is on the disk.
  func synchronise() throws(CopyError) {
    guard fsync(descriptor) == 0 else { throw .system("cannot bring '\(path)' to the disk") }
  }

  private func checkCanBeMapped() throws(CopyError) {
    let status = try status()
    guard !status.isDirectory else { throw .failed("'\(path)' is a directory") }
    guard status.isRegular else { throw .failed("'\(path)' is not a regular file") }
    // A file of /proc has bytes and no size: not to be taken for an empty one.
    var byte: UInt8 = 0
    guard status.st_size > 0 || read(descriptor, &byte, 1) <= 0 else {
      throw .failed("'\(path)' does not tell its size, so it cannot be mapped")
    }
  }
}

extension stat {
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
  var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }

  func isSameFile(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}
