import ExampleSupport
import Glibc

/// A directory for the demonstration's files; removed with them when it goes out of scope.
struct TemporaryDirectory: ~Copyable {
  /// Where it was made.
  let parent: String
  /// Its name.
  let path: String

  /// The names that it may hold.
  static let source = "source"
  static let copy = "copy"

  /// Makes a directory in the first of these that has room: `/dev/shm`, where no disk gets in the
  /// way, then `TMPDIR`, or `/tmp` if that is not set.
  init(room byteCount: Int) throws(CopyError) {
    let other = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var failure = CopyError.failed("")
    for parent in ["/dev/shm", other] {
      guard Self.room(in: parent) > byteCount else {
        let size = formatByteCount(byteCount)
        failure = .failed("neither /dev/shm nor '\(other)' has room for \(size)")
        continue
      }
      let path = "\(parent)/copy-file.\(getpid()).\(UInt32.random(in: 0 ... .max))"
      if mkdir(path, 0o700) == 0 {
        self.parent = parent
        self.path = path
        return
      }
      failure = .system("cannot make a directory in '\(parent)'")
    }
    throw failure
  }

  deinit {
    unlink("\(path)/\(Self.source)")
    unlink("\(path)/\(Self.copy)")
    rmdir(path)
  }

  /// Makes a file in it, all of whose bytes have room.
  func makeFile(_ name: String, byteCount: Int) throws(CopyError) -> Mapping {
    let path = "\(path)/\(name)"
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("cannot make '\(path)'") }
    let file = File(descriptor: descriptor, path: path)
    let number = posix_fallocate(descriptor, 0, byteCount)
    guard number == 0 else { throw .system("cannot make '\(path)'", number) }
    return try Mapping(of: file, byteCount: byteCount, for: .write)
  }

  private static func room(in directory: String) -> Int {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return 0 }
    return Int(clamping: status.f_bavail.multipliedReportingOverflow(by: status.f_frsize).0)
  }
}
