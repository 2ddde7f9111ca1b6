import ExampleSupport
import Glibc
import PMem2
import VDM

/// What to copy, and how.
package struct CopyOptions: Equatable {
  /// The file to be copied.
  package var source = ""
  /// The copy's name.
  package var destination = ""
  /// The coarsest granularity that the destination may have.
  package var granularity = Granularity.page
  /// How many worker threads copy; `nil` for none but the calling one.
  package var threads: Int?
  /// The bytes of one operation.
  package var chunkSize = 1 << 20

  /// The defaults.
  package init() {}
}

/// Copies a file into a mapped file, and shows how that goes. The copy is durable at return.
///
/// - Returns: What was copied, and what made it durable.
func copyDurably(_ options: CopyOptions) throws -> String {
  let from = try OpenFile(options.source, O_RDONLY)
  let to = try OpenFile(options.destination, O_RDWR | O_CREAT)
  let byteCount = try from.status().st_size
  try to.becomeCopy(of: from, byteCount: byteCount)

  var granularity = "nothing to map"
  if byteCount > 0 {
    var readOnly = Config(granularity: .page)
    readOnly.protection = .read
    let source = try Map(Source(descriptor: from.descriptor), readOnly)
    let mover = try options.threads.map { try ThreadMover(configuration: .init(threads: $0)) }
    let map = try Map(
      Source(descriptor: to.descriptor), Config(granularity: options.granularity, mover: mover))
    granularity = "durable by \(map.granularity)"

    var progress = Progress("copied", byteCount: byteCount)
    try inChunks(
      byteCount, chunkSize: options.chunkSize, window: 2 * (options.threads ?? 1),
      start: { offset, count in
        map.memcpyAsync(
          to: map.address + offset, from: source.address + offset, byteCount: count)
      },
      afterEach: { output in
        try output.get()
        progress.advance(by: output.byteCount)
      })
  }
  // The bytes are durable; now the size and the name.
  try to.synchronise()
  return "\(formatByteCount(byteCount)), \(granularity)"
}

/// An open file; closed when it goes out of scope.
private struct OpenFile: ~Copyable {
  let path: String
  let descriptor: CInt

  init(_ path: String, _ flags: CInt) throws {
    self.path = path
    descriptor = open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw CopyFailure("cannot open '\(path)'", errno) }
  }

  deinit { close(descriptor) }

  func status() throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw CopyFailure("cannot look at '\(path)'", errno)
    }
    return status
  }

  /// Makes it as long as a copy of `other` will be, with room for each byte.
  func becomeCopy(of other: borrowing OpenFile, byteCount: Int) throws {
    let (mine, others) = (try status(), try other.status())
    guard (mine.st_dev, mine.st_ino) != (others.st_dev, others.st_ino) else {
      throw CopyFailure("'\(path)' and '\(other.path)' are the same file", nil)
    }
    guard ftruncate(descriptor, byteCount) == 0 else {
      throw CopyFailure("cannot write '\(path)'", errno)
    }
    // A file with holes would be found not to fit only when bytes are stored: by `SIGBUS`.
    let number = byteCount > 0 ? posix_fallocate(descriptor, 0, byteCount) : 0
    guard number == 0 else { throw CopyFailure("no room for '\(path)'", number) }
  }

  func synchronise() throws {
    guard fsync(descriptor) == 0 else { throw CopyFailure("cannot write '\(path)'", errno) }
  }
}

/// Why a copy was not made.
struct CopyFailure: Error, CustomStringConvertible {
  let description: String

  init(_ what: String, _ number: CInt?) {
    description = what + (number.map { ": " + String(cString: strerror($0)) } ?? "")
  }
}
