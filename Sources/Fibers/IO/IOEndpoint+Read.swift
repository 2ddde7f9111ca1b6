import CFibers

/// Reading.
extension IOEndpoint where Self: ~Copyable {
  /// Reads what is there, at least one byte; parks the running fiber while there is nothing.
  ///
  /// - Parameter buffer: Gets the bytes from its beginning on; its memory stays the caller's.
  /// - Returns: How many bytes: 0 at the end of the file or stream (or for an empty buffer).
  /// - Throws: ``IOError``: nothing was read.
  /// - Precondition: Called by a fiber of the handle's runtime.
  /// - Complexity: One system call when bytes are there, no allocation.
  ///
  /// Corresponds to C's `async_read`.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
    try unsafe reference.read(into: buffer)
  }

  /// Reads what is there into the elements of `bytes`, from the first one on; see
  /// ``read(into:)-(UnsafeMutableRawBufferPointer)``.
  ///
  /// - Parameter bytes: Overwritten as far as bytes came; its count stays.
  /// - Returns: How many bytes: 0 at the end.
  /// - Throws: ``IOError``: nothing was read.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func read(into bytes: inout [UInt8]) throws(IOError) -> Int {
    var span = bytes.mutableSpan
    return try unsafe span.withUnsafeMutableBytes { buffer throws(IOError) in
      try unsafe reference.read(into: buffer)
    }
  }

  /// Reads what is there into `span`; see ``read(into:)-(UnsafeMutableRawBufferPointer)``.
  ///
  /// - Parameter span: Overwritten as far as bytes came.
  /// - Returns: How many bytes: 0 at the end.
  /// - Throws: ``IOError``: nothing was read.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func read(into span: inout MutableRawSpan) throws(IOError) -> Int {
    try unsafe span.withUnsafeMutableBytes { buffer throws(IOError) in
      try unsafe reference.read(into: buffer)
    }
  }

  /// Reads until `buffer` is full, or to the end.
  ///
  /// - Parameter buffer: Gets the bytes from its beginning on.
  /// - Returns: How many bytes: fewer than the buffer holds only at the end.
  /// - Throws: ``IOReadError``, which says how many bytes are in the buffer.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func readAll(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(IOPartialError) -> Int {
    var count = 0
    do throws(IOError) {
      while count < buffer.count {
        let part = try unsafe reference.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
        if part == 0 { break }
        count += part
      }
    } catch {
      throw IOPartialError(error, byteCount: count)
    }
    return count
  }

  /// Reads until `bytes` is full, or to the end; see
  /// ``readAll(into:)-(UnsafeMutableRawBufferPointer)``.
  ///
  /// - Parameter bytes: Overwritten as far as bytes came.
  /// - Returns: How many bytes: fewer than its count only at the end.
  /// - Throws: ``IOPartialError``, which says how many bytes are there.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func readAll(into bytes: inout [UInt8]) throws(IOPartialError) -> Int {
    var span = bytes.mutableSpan
    return try unsafe span.withUnsafeMutableBytes { buffer throws(IOPartialError) in
      try unsafe readAll(into: buffer)
    }
  }

  /// Reads until `span` is full, or to the end; see
  /// ``readAll(into:)-(UnsafeMutableRawBufferPointer)``.
  ///
  /// - Parameter span: Overwritten as far as bytes came.
  /// - Returns: How many bytes: fewer than its count only at the end.
  /// - Throws: ``IOPartialError``, which says how many bytes are there.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func readAll(into span: inout MutableRawSpan) throws(IOPartialError) -> Int {
    try unsafe span.withUnsafeMutableBytes { buffer throws(IOPartialError) in
      try unsafe readAll(into: buffer)
    }
  }

  /// Reads what is there into several buffers, one after the other.
  ///
  /// - Parameter buffers: At most 1,024; filled in their order.
  /// - Returns: How many bytes: 0 at the end.
  /// - Throws: ``IOError``: nothing was read.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func readv(into buffers: [UnsafeMutableRawBufferPointer]) throws(IOError) -> Int {
    let reference = reference
    let count = unsafe buffers.count
    return try unsafe withParts(count) { parts throws(IOError) in
      for index in unsafe buffers.indices {
        unsafe parts[index] = iovec(
          iov_base: buffers[index].baseAddress, iov_len: buffers[index].count)
      }
      return try reference.perform(.readv, .read) { descriptor in
        unsafe cfib_readv(descriptor, parts.baseAddress, Int32(parts.count))
      }
    }
  }
}

extension IOReference {
  /// Not generic and not inlined: what it costs is the call, the checks and the system call.
  @usableFromInline
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
    let scheduler = try enter()
    let kind = unsafe slot.pointee.kind
    if kind == .blocking { return try unsafe readElsewhere(into: buffer) }
    // What a stream had was read by the last call: save one that would block. Not when the wait
    // would throw at once: what has come since the last look at events is read all the same.
    if unsafe slot.pointee.isDrained && !slot.pointee.asksFirst && slot.pointee.isRegistered,
      unsafe !buffer.isEmpty, !scheduler.fiber.life.isInterrupted
    {
      try wait(.read, scheduler)
    }
    // An empty read of a socket would wait, or take a packet: `read` does neither.
    let isStream = unsafe kind == .stream && !buffer.isEmpty
    // A fiber that has waited finds its buffer far away; the kernel first needs other memory.
    unsafe cfib_prefetch(buffer.baseAddress)
    while true {
      let descriptor = unsafe slot.pointee.descriptor
      let result =
        unsafe isStream
        ? cfib_receive(descriptor, buffer.baseAddress, buffer.count)
        : cfib_read(descriptor, buffer.baseAddress, buffer.count)
      if result >= 0 {
        if isStream { unsafe slot.pointee.isDrained = result < buffer.count }
        return result
      }
      try mayRepeat(.read, .read, code: Int32(-result), scheduler)
    }
  }

  @inline(never)
  private func readElsewhere(into buffer: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
    try performElsewhere(.read) { unsafe cfib_read($0, buffer.baseAddress, buffer.count) }
  }
}

/// Why a call that goes on until everything is done did not get there.
public struct IOPartialError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What stopped it.
  public let error: IOError
  /// How many bytes had been moved before.
  public let byteCount: Int

  init(_ error: IOError, byteCount: Int) {
    self.error = error
    self.byteCount = byteCount
  }

  /// In words.
  public var description: String { "\(error), after \(byteCount) bytes" }
}

extension IOPartialError: FiberInterruption {
  /// What cut the wait short, if that was it.
  public var interruption: FiberCancelled? { error.interruption }
}

/// Calls `body` with room for `count` parts, on the stack when they are few.
func withParts(
  _ count: Int, _ body: (UnsafeMutableBufferPointer<iovec>) throws(IOError) -> Int
) throws(IOError) -> Int {
  require(count <= 1024, "IOHandle: at most 1,024 buffers in one call, not \(count)")
  let result: Result<Int, IOError> = unsafe withUnsafeTemporaryAllocation(
    of: iovec.self, capacity: count
  ) { parts in
    do throws(IOError) {
      return .success(try unsafe body(parts))
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}
