import Glibc

/// A directory for one test, removed with all that is in it when it goes out of scope.
public struct ScratchDirectory: ~Copyable {
  /// Its path.
  public let path: String

  /// Makes an empty directory in `TMPDIR` or `/tmp`.
  public init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    path = "\(parent)/miniasync.\(getpid()).\(UInt64.random(in: 0 ... .max))"
    guard mkdir(path, 0o755) == 0 else { throw ProcessFailure("mkdir \(path)") }
  }

  deinit { removeTree(path) }

  /// The path of something in it.
  public subscript(_ name: String) -> String { "\(path)/\(name)" }

  /// The names in it, sorted, with those that begin with a dot.
  public var names: [String] { directoryNames(path) }

  /// Writes a file.
  public func write(_ name: String, _ bytes: [UInt8]) throws {
    let descriptor = open(self[name], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw ProcessFailure("open \(name)") }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw ProcessFailure("write \(name)") }
      rest = rest.dropFirst(count)
    }
  }

  /// The bytes of a file; `nil` if it cannot be read.
  public func read(_ name: String) -> [UInt8]? {
    let descriptor = open(self[name], O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: status.st_size)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
      }
      guard count > 0 else { return nil }
      done += count
    }
    return bytes
  }
}

/// The names in a directory, sorted; none if it cannot be read.
public func directoryNames(_ path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

private func removeTree(_ path: String) {
  if unlink(path) == 0 { return }
  for name in directoryNames(path) { removeTree("\(path)/\(name)") }
  rmdir(path)
}
