import CFibers
import Glibc

/// Datagrams (UDP).
extension IOHandle {
  /// Opens a socket for datagrams at `address`.
  ///
  /// - Parameters:
  ///   - address: IPv4, IPv6 or Unix; port 0 lets the system choose (see `localAddress`).
  ///   - reusePort: Whether several sockets may have the same port, each getting a share.
  /// - Returns: The socket.
  /// - Throws: ``IOError``.
  public static func datagram(
    on address: SocketAddress, reusePort: Bool = false
  ) throws(IOError) -> IOHandle {
    let handle = try socket(address.family, Int32(SOCK_DGRAM.rawValue))
    let descriptor = try handle.reference.descriptor
    if reusePort { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
    try unsafe IOError.check(.bind, address.withPointer { unsafe cfib_bind(descriptor, $0, $1) })
    return handle
  }
}

/// A datagram that was received.
public struct IODatagram: Sendable {
  /// How many bytes are in the buffer.
  public let byteCount: Int
  /// Whether it had more, which are lost.
  public let isTruncated: Bool
  /// Who has sent it.
  public let sender: SocketAddress
}

extension IOEndpoint where Self: ~Copyable {
  /// Sends one datagram; parks the running fiber while there is no room.
  ///
  /// - Parameters:
  ///   - buffer: The bytes; its memory stays the caller's.
  ///   - address: Where to.
  /// - Throws: ``IOError``: nothing was sent. (`EMSGSIZE` when it is too long.)
  /// - Precondition: Called by a fiber of the handle's runtime.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func send(
    _ buffer: UnsafeRawBufferPointer, to address: SocketAddress
  ) throws(IOError) {
    _ = try reference.perform(.sendto, .write) { descriptor in
      unsafe address.withPointer { address, length in
        unsafe cfib_send_to(descriptor, buffer.baseAddress, buffer.count, address, length)
      }
    }
  }

  /// Sends the elements of `bytes` as one datagram; see ``send(_:to:)-(UnsafeRawBufferPointer,_)``.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - address: Where to.
  /// - Throws: ``IOError``: nothing was sent.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func send(_ bytes: [UInt8], to address: SocketAddress) throws(IOError) {
    try unsafe bytes.span.withUnsafeBytes { buffer throws(IOError) in
      try unsafe send(buffer, to: address)
    }
  }

  /// Receives one datagram; parks the running fiber while there is none.
  ///
  /// - Parameter buffer: Gets the bytes from its beginning on; what does not fit is lost.
  /// - Returns: How long it is and who sent it.
  /// - Throws: ``IOError``: none was taken.
  /// - Precondition: Called by a fiber of the handle's runtime.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(IOError) -> IODatagram {
    let reference = reference
    var truncated: Int32 = 0
    let (count, sender) = try unsafe SocketAddress.filled(.recvmsg) {
      room, length throws(IOError) in
      let size = length
      return try reference.perform(.recvmsg, .read) { descriptor in
        length = size
        return unsafe cfib_receive_from(
          descriptor, buffer.baseAddress, buffer.count, room, &length, &truncated)
      }
    }
    return IODatagram(byteCount: count, isTruncated: truncated != 0, sender: sender)
  }

  /// Receives one datagram into the elements of `bytes`; see
  /// ``receive(into:)-(UnsafeMutableRawBufferPointer)``.
  ///
  /// - Parameter bytes: Overwritten as far as the datagram reaches; its count stays.
  /// - Returns: How long it is and who sent it.
  /// - Throws: ``IOError``: none was taken.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func receive(into bytes: inout [UInt8]) throws(IOError) -> IODatagram {
    var span = bytes.mutableSpan
    return try unsafe span.withUnsafeMutableBytes { buffer throws(IOError) in
      try unsafe receive(into: buffer)
    }
  }
}
