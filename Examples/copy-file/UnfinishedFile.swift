import ExampleSupport
import Glibc

/// A file under a temporary name, which becomes the destination when it is complete, and is
/// removed when that does not happen.
struct UnfinishedFile: ~Copyable {
  let file: File
  private let destination: Destination
  private var isFinished = false

  /// Makes an empty file in the destination's directory.
  ///
  /// - Parameter mode: The source's permissions, from which the umask takes some away.
  init(for destination: Destination, mode: mode_t) throws(CopyError) {
    self.destination = destination
    while true {
      let number = String(UInt32.random(in: 0 ... .max), radix: 36)
      let path = "\(destination.directory)/.copy-file.\(getpid()).\(number)"
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0o777)
      if descriptor >= 0 {
        file = File(descriptor: descriptor, path: path)
        return
      }
      guard errno == EEXIST else {
        throw .system("cannot make a file in '\(destination.directory)'")
      }
    }
  }

  deinit { if !isFinished { unlink(file.path) } }

  /// Makes it so long, with room on the disk for each byte.
  ///
  /// A file with holes would be found not to fit only when the bytes are stored: by `SIGBUS`.
  func reserve(byteCount: Int) throws(CopyError) {
    guard byteCount > 0 else { return }
    let number = posix_fallocate(file.descriptor, 0, byteCount)
    guard number == 0 else {
      let size = formatByteCount(byteCount)
      throw .system("no room for \(size) in '\(destination.directory)'", number)
    }
  }

  /// Gives it its name, in one step.
  mutating func finish() throws(CopyError) {
    guard rename(file.path, destination.path) == 0 else {
      throw .system("cannot give the copy its name '\(destination.path)'")
    }
    isFinished = true
  }
}
