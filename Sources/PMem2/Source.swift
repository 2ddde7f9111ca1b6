import Glibc

/// What a map is made of: a file, a DAX device, or memory without a name.
///
/// ```swift
/// let source = try Source(path: "/mnt/pmem/data")
/// let map = try Map(source, Config(granularity: .page))
/// ```
///
/// A map does not need its source once it is made. One source serves any number of maps.
///
/// Corresponds to C's `struct pmem2_source`.
public struct Source: ~Copyable, Sendable {
  /// What it is, with what is known of it from the beginning.
  enum Kind: Hashable, Sendable {
    case anonymous(byteCount: Int)
    case file
    /// The path where sysfs describes it.
    case device(String)
  }

  let kind: Kind
  let system: System
  /// -1 for anonymous memory.
  private let number: CInt
  private let ownsDescriptor: Bool

  init(
    _ kind: Kind, descriptor: CInt, ownsDescriptor: Bool, system: System
  ) {
    self.kind = kind
    self.system = system
    number = descriptor
    self.ownsDescriptor = ownsDescriptor
  }

  deinit { if ownsDescriptor { close(number) } }

  /// A source of an open file or DAX device.
  ///
  /// - Parameter descriptor: Open for reading, and for writing if the map is to be written and
  ///   shared. It is borrowed: keep it open until the maps are made, and close it yourself.
  /// - Throws: ``PMem2Error/invalidDescriptor(_:)`` if it is negative, not open or open for
  ///   writing only; ``PMem2Error/invalidFileType(mode:)`` for a directory, a pipe and the like.
  ///
  /// Corresponds to C's `pmem2_source_from_fd`.
  public init(descriptor: CInt) throws(PMem2Error) {
    try self.init(descriptor: descriptor, ownsDescriptor: false, system: System())
  }

  /// A source of a file or DAX device, which it opens, and closes when it is dropped.
  ///
  /// - Parameters:
  ///   - path: Its name. It must exist.
  ///   - writable: Whether it is opened for writing too.
  /// - Throws: ``PMem2Error/system(call:errno:)`` if it cannot be opened, and as
  ///   ``init(descriptor:)``.
  public init(path: String, writable: Bool = true) throws(PMem2Error) {
    let descriptor = unsafe open(
      path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(call: "open", errno: errno) }
    do throws(PMem2Error) {
      try self.init(descriptor: descriptor, ownsDescriptor: true, system: System())
    } catch {
      close(descriptor)
      throw error
    }
  }

  package init(
    descriptor: CInt, ownsDescriptor: Bool = false, system: System
  ) throws(PMem2Error) {
    let flags = fcntl(descriptor, F_GETFL)
    guard descriptor >= 0, flags >= 0, flags & O_ACCMODE != O_WRONLY else {
      throw .invalidDescriptor(descriptor)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .system(call: "fstat", errno: errno)
    }
    guard let kind = Kind(status, system) else { throw .invalidFileType(mode: status.st_mode) }
    self.init(kind, descriptor: descriptor, ownsDescriptor: ownsDescriptor, system: system)
  }

  /// A source of memory that belongs to no file: it is lost with the map.
  ///
  /// - Parameter byteCount: How many bytes, at least 1.
  /// - Returns: The source.
  ///
  /// Corresponds to C's `pmem2_source_from_anon`.
  public static func anonymous(byteCount: Int) -> Source {
    anonymous(byteCount: byteCount, system: System())
  }

  package static func anonymous(byteCount: Int, system: System) -> Source {
    Source(
      .anonymous(byteCount: byteCount), descriptor: -1, ownsDescriptor: false, system: system)
  }

  /// The descriptor of the file or device; `nil` for anonymous memory.
  ///
  /// Corresponds to C's `pmem2_source_get_fd`.
  public var descriptor: CInt? { number < 0 ? nil : number }

  /// How many bytes it has now.
  ///
  /// - Throws: ``PMem2Error/system(call:errno:)`` if the descriptor was closed;
  ///   ``PMem2Error/invalidDevice(_:path:)``.
  ///
  /// Corresponds to C's `pmem2_source_size`.
  public var byteCount: Int {
    get throws(PMem2Error) {
      switch kind {
      case .anonymous(let byteCount): return byteCount
      case .device(let path): return try system.deviceSize(path)
      case .file:
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else {
          throw .system(call: "fstat", errno: errno)
        }
        return status.st_size
      }
    }
  }

  /// What offsets and lengths of its maps must be multiples of: a page, or more for a device.
  ///
  /// - Throws: ``PMem2Error/invalidDevice(_:path:)``.
  ///
  /// Corresponds to C's `pmem2_source_alignment`.
  public var alignment: Int {
    get throws(PMem2Error) {
      guard case .device(let path) = kind else { return system.pageSize }
      return try system.deviceAlignment(path)
    }
  }
}

extension Source.Kind {
  /// What a descriptor's status says; `nil` for what cannot be mapped.
  fileprivate init?(_ status: stat, _ system: System) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFCHR:
      guard let path = system.daxDevice(status.st_rdev) else { return nil }
      self = .device(path)
    default: return nil
    }
  }
}
