import CFibers
import Glibc

/// Two handles that are connected to each other.
///
/// ``split(_:)`` takes them apart, to give each to a fiber of its own.
public struct IOPair: ~Copyable {
  /// Of a pipe: the end to read from.
  public var first: IOHandle
  /// Of a pipe: the end to write to.
  public var second: IOHandle

  /// Both, apart.
  ///
  /// - Parameter body: Gets them as its own.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public consuming func split<Result, Failure: Error>(
    _ body: (consuming IOHandle, consuming IOHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(first, second)
  }
}

/// Pipes, pairs of sockets, files.
extension IOHandle {
  /// Makes a pipe: what is written to the second end can be read from the first.
  ///
  /// - Returns: Both ends.
  /// - Throws: ``IOError``.
  public static func pipe() throws(IOError) -> IOPair {
    var ends: (Int32, Int32) = (-1, -1)
    try IOError.check(
      .pipe,
      unsafe withUnsafeMutablePointer(to: &ends) {
        unsafe cfib_pipe(UnsafeMutableRawPointer($0).assumingMemoryBound(to: Int32.self))
      })
    return try pair(ends, kind: .pollable)
  }

  /// Makes two Unix sockets that are connected to each other.
  ///
  /// - Returns: Both ends.
  /// - Throws: ``IOError``.
  public static func socketPair() throws(IOError) -> IOPair {
    var ends: (Int32, Int32) = (-1, -1)
    try IOError.check(
      .socketpair,
      unsafe withUnsafeMutablePointer(to: &ends) {
        unsafe cfib_socket_pair(UnsafeMutableRawPointer($0).assumingMemoryBound(to: Int32.self))
      })
    return try pair(ends, kind: .socket)
  }

  private static func pair(
    _ ends: (Int32, Int32), kind: IOSlot.Kind
  ) throws(IOError) -> IOPair {
    let first: IOHandle
    do throws(IOError) {
      first = try IOHandle(ends.0, kind: kind)
    } catch {
      cfib_close(ends.1)
      throw error
    }
    return IOPair(first: first, second: try IOHandle(ends.1, kind: kind))
  }

  /// How to open a file.
  public struct OpenOptions: OptionSet, Sendable {
    /// The flags of `open(2)`.
    public let rawValue: Int32

    /// Flags of `open(2)`; `O_CLOEXEC` is always added.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// To read from it: what is meant when neither this nor writing is asked for.
    public static var read: OpenOptions { OpenOptions(rawValue: O_RDONLY) }
    /// To write to it.
    public static var write: OpenOptions { OpenOptions(rawValue: O_WRONLY) }
    /// To read from it and to write to it.
    public static var readWrite: OpenOptions { OpenOptions(rawValue: O_RDWR) }
    /// Make it if it is not there.
    public static var create: OpenOptions { OpenOptions(rawValue: O_CREAT) }
    /// With ``create``: it must not be there.
    public static var exclusive: OpenOptions { OpenOptions(rawValue: O_EXCL) }
    /// Cut it to nothing.
    public static var truncate: OpenOptions { OpenOptions(rawValue: O_TRUNC) }
    /// Write at its end, always.
    public static var append: OpenOptions { OpenOptions(rawValue: O_APPEND) }
    /// Do not follow a symbolic link at the end of the path.
    public static var noFollow: OpenOptions { OpenOptions(rawValue: O_NOFOLLOW) }
  }

  /// Opens a file, on a helper thread; so are its calls made.
  ///
  /// A FIFO is opened without waiting for its other end (`O_NONBLOCK`): to read from it always works,
  /// and is at its end until somebody writes; to write to it is `ENXIO` while nobody reads.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - options: What for.
  ///   - permissions: Of a file that is made, before the process's mask.
  /// - Returns: The open file.
  /// - Throws: ``IOError``.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public static func open(
    _ path: String, _ options: OpenOptions = .read, permissions: UInt32 = 0o644
  ) throws(IOError) -> IOHandle {
    // C would see the path end there.
    guard !path.utf8.contains(0) else { throw .system(call: .open, code: EINVAL) }
    let descriptor = Fiber.blocking {
      unsafe cfib_open(path, options.rawValue | O_NONBLOCK, permissions)
    }
    try IOError.check(.open, descriptor)
    do throws(IOError) {
      return try IOHandle(owning: descriptor)
    } catch {
      cfib_close(descriptor)
      throw error
    }
  }
}
