import Glibc

/// The bytes of a file in memory; unmapped when it goes out of scope.
///
/// Whoever started an operation on the bytes waits for it before that.
struct Mapping: ~Copyable {
  /// The bytes. They may be written if the mapping was made for that.
  let bytes: UnsafeMutableRawBufferPointer

  enum Access {
    case read
    case write
  }

  /// Maps the first `byteCount` bytes of `file`.
  init(of file: borrowing File, byteCount: Int, for access: Access) throws(CopyError) {
    guard byteCount > 0 else {
      // Nothing cannot be mapped.
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    let protection = access == .write ? PROT_READ | PROT_WRITE : PROT_READ
    let start = mmap(nil, byteCount, protection, MAP_SHARED, file.descriptor, 0)
    guard start != MAP_FAILED else { throw .system("cannot map '\(file.path)'") }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit { if let start = bytes.baseAddress { munmap(start, bytes.count) } }

  /// The bytes, to be read.
  var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
}
