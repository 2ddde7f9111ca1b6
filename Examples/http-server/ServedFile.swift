import Fibers
import Glibc

/// An open file of the folder that is served.
struct ServedFile: ~Copyable {
  let handle: IOHandle
  let byteCount: Int
  /// Seconds since 1970.
  let modified: Int

  /// Opens a file.
  ///
  /// Links are followed, unless they lead out of the folder. That is looked at when the file is
  /// open: what is opened is what was looked at, whatever somebody renames meanwhile.
  ///
  /// - Parameters:
  ///   - path: Relative to `root`, from ``RequestPath``.
  ///   - root: The folder, without links in its path.
  /// - Returns: The file.
  /// - Throws: ``NoFile``, or what ends the connection.
  static func open(_ path: String, in root: String) throws -> ServedFile {
    let handle: IOHandle
    do throws(IOError) {
      // A helper thread does it, as a disk may be slow. It does not wait for the writer of a FIFO.
      handle = try IOHandle.open(root + "/" + path)
    } catch {
      guard let code = error.code else { throw error }
      throw NoFile.status(status(for: code))
    }
    let descriptor = try handle.reference.descriptor
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw NoFile.status(.internalError) }
    guard isInside(root, descriptor) else { throw NoFile.status(.notFound) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw NoFile.isFolder
    case S_IFREG:
      return ServedFile(
        handle: handle, byteCount: status.st_size, modified: status.st_mtim.tv_sec)
    default: throw NoFile.status(.notFound)
    }
  }

  /// Whether an open file is in the folder, by the path that the kernel knows it by.
  private static func isInside(_ root: String, _ descriptor: Int32) -> Bool {
    var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = path.withUnsafeMutableBytes { path -> Int in
      guard let base = path.baseAddress else { return -1 }
      return readlink(
        "/proc/self/fd/\(descriptor)", base.assumingMemoryBound(to: CChar.self), path.count)
    }
    guard count > 0, count < path.count else { return false }
    // The folder itself, or what is below it.
    let prefix = Array((root == "/" ? "" : root).utf8)
    let found = path[..<count]
    return found.starts(with: prefix)
      && (count == prefix.count || path[prefix.count] == UInt8(ascii: "/"))
  }

  private static func status(for code: Int32) -> Status {
    switch code {
    case ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EISDIR, ENXIO, ENODEV: .notFound
    case EMFILE, ENFILE, ENOMEM: .unavailable
    default: .internalError
    }
  }
}

/// Why there is no file to be sent.
enum NoFile: Error {
  /// It is a folder.
  case isFolder
  /// For the reason that this status tells.
  case status(Status)
}
