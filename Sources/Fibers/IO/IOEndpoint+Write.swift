import CFibers

/// Writing.
extension IOEndpoint where Self: ~Copyable {
  /// Writes as much as there is room for, at least one byte; parks the running fiber while there is
  /// none.
  ///
  /// Writing to somebody who is gone is an error (`EPIPE`), never a signal.
  ///
  /// - Parameter buffer: The bytes; its memory stays the caller's.
  /// - Returns: How many of them were written, from the first on.
  /// - Throws: ``IOError``: nothing was written.
  /// - Precondition: Called by a fiber of the handle's runtime.
  /// - Complexity: One system call when there is room (four for a pipe), no allocation.
  ///
  /// Corresponds to C's `async_write`.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func write(_ buffer: UnsafeRawBufferPointer) throws(IOError) -> Int {
    try unsafe reference.write(buffer)
  }

  /// Writes as many elements of `bytes` as there is room for; see
  /// ``write(_:)-(UnsafeRawBufferPointer)``.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: How many of them were written.
  /// - Throws: ``IOError``: nothing was written.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func write(_ bytes: [UInt8]) throws(IOError) -> Int {
    try unsafe bytes.span.withUnsafeBytes { buffer throws(IOError) in
      try unsafe reference.write(buffer)
    }
  }

  /// Writes as many bytes of `span` as there is room for; see
  /// ``write(_:)-(UnsafeRawBufferPointer)``.
  ///
  /// - Parameter span: The bytes.
  /// - Returns: How many of them were written.
  /// - Throws: ``IOError``: nothing was written.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func write(_ span: RawSpan) throws(IOError) -> Int {
    try unsafe span.withUnsafeBytes { buffer throws(IOError) in try unsafe reference.write(buffer) }
  }

  /// Writes all bytes.
  ///
  /// - Parameter buffer: The bytes; its memory stays the caller's.
  /// - Throws: ``IOPartialError``, which says how many bytes were written before.
  /// - Precondition: Called by a fiber of the handle's runtime.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func writeAll(_ buffer: UnsafeRawBufferPointer) throws(IOPartialError) {
    try unsafe reference.writeAll(buffer)
  }

  /// Writes all elements of `bytes`; see ``writeAll(_:)-(UnsafeRawBufferPointer)``.
  ///
  /// - Parameter bytes: The bytes.
  /// - Throws: ``IOPartialError``, which says how many bytes were written before.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func writeAll(_ bytes: [UInt8]) throws(IOPartialError) {
    try unsafe bytes.span.withUnsafeBytes { buffer throws(IOPartialError) in
      try unsafe writeAll(buffer)
    }
  }

  /// Writes all elements of a part of an array; see ``writeAll(_:)-(UnsafeRawBufferPointer)``.
  ///
  /// - Parameter bytes: The bytes.
  /// - Throws: ``IOPartialError``, which says how many bytes were written before.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func writeAll(_ bytes: ArraySlice<UInt8>) throws(IOPartialError) {
    try unsafe bytes.span.withUnsafeBytes { buffer throws(IOPartialError) in
      try unsafe writeAll(buffer)
    }
  }

  /// Writes all bytes of `span`; see ``writeAll(_:)-(UnsafeRawBufferPointer)``.
  ///
  /// - Parameter span: The bytes.
  /// - Throws: ``IOPartialError``, which says how many bytes were written before.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func writeAll(_ span: RawSpan) throws(IOPartialError) {
    try unsafe span.withUnsafeBytes { buffer throws(IOPartialError) in try unsafe writeAll(buffer) }
  }

  /// Writes from several buffers, one after the other, as much as there is room for.
  ///
  /// - Parameter buffers: At most 1,024.
  /// - Returns: How many bytes were written, from the first buffer on.
  /// - Throws: ``IOError``: nothing was written.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func writev(_ buffers: [UnsafeRawBufferPointer]) throws(IOError) -> Int {
    let reference = reference
    let count = unsafe buffers.count
    return try unsafe withParts(count) { parts throws(IOError) in
      for index in unsafe buffers.indices {
        unsafe parts[index] = iovec(
          iov_base: UnsafeMutableRawPointer(mutating: buffers[index].baseAddress),
          iov_len: buffers[index].count)
      }
      let isSocket = unsafe reference.slot.pointee.kind.isSocket
      return try reference.perform(.writev, .write) { descriptor in
        unsafe isSocket
          ? cfib_sendv(descriptor, parts.baseAddress, Int32(parts.count))
          : cfib_writev(descriptor, parts.baseAddress, Int32(parts.count))
      }
    }
  }
}

extension IOReference {
  /// All of it, mostly with one call.
  @usableFromInline
  func writeAll(_ buffer: UnsafeRawBufferPointer) throws(IOPartialError) {
    var rest = unsafe buffer
    while unsafe !rest.isEmpty {
      do throws(IOError) {
        let count = try unsafe write(rest)
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } catch {
        throw IOPartialError(error, byteCount: buffer.count - rest.count)
      }
    }
  }

  @usableFromInline
  func write(_ buffer: UnsafeRawBufferPointer) throws(IOError) -> Int {
    let isSocket = unsafe slot.pointee.kind.isSocket
    return try perform(.write, .write) { descriptor in
      unsafe isSocket
        ? cfib_send(descriptor, buffer.baseAddress, buffer.count)
        : cfib_write(descriptor, buffer.baseAddress, buffer.count)
    }
  }
}
