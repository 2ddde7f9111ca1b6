import CFibers
import Glibc

/// Sockets that are connections, and that wait for them.
extension IOHandle {
  /// Opens a socket that waits for connections at `address`.
  ///
  /// - Parameters:
  ///   - address: IPv4, IPv6 or Unix; port 0 lets the system choose (see `localAddress`). The path of
  ///     a Unix socket must not exist yet.
  ///   - backlog: How many connections may wait to be accepted.
  ///   - reuseAddress: Whether a port may be taken that an earlier program has just let go of.
  ///   - reusePort: Whether several sockets may listen at the same port, each getting a share of the
  ///     connections: for a runtime in each of several threads.
  /// - Returns: The listening socket.
  /// - Throws: ``IOError``.
  public static func listen(
    on address: SocketAddress, backlog: Int = 1024, reuseAddress: Bool = true,
    reusePort: Bool = false
  ) throws(IOError) -> IOHandle {
    let handle = try socket(address.family, Int32(SOCK_STREAM.rawValue))
    let descriptor = try handle.reference.descriptor
    if address.family != AF_UNIX {
      try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, reuseAddress ? 1 : 0)
      if reusePort { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
    }
    try unsafe IOError.check(.bind, address.withPointer { unsafe cfib_bind(descriptor, $0, $1) })
    try IOError.check(.listen, cfib_listen(descriptor, Int32(clamping: backlog)))
    return handle
  }

  /// Connects to `address`; parks the running fiber meanwhile.
  ///
  /// A Unix socket whose backlog is full is tried again, after pauses, until there is room.
  ///
  /// - Parameter address: IPv4, IPv6 or Unix.
  /// - Returns: The connection.
  /// - Throws: ``IOError``; the attempt is given up.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public static func connect(to address: SocketAddress) throws(IOError) -> IOHandle {
    let handle = try socket(address.family, Int32(SOCK_STREAM.rawValue))
    let reference = handle.reference
    let scheduler = try reference.enter()
    let descriptor = try reference.descriptor
    var code = unsafe address.withPointer { unsafe cfib_connect(descriptor, $0, $1) }
    // Nothing tells when there is room in the backlog. (Of TCP, EAGAIN says that no port is left.)
    var pause = Duration.microseconds(100)
    while code == -EAGAIN, address.family == AF_UNIX {
      do throws(FiberCancelled) {
        try Fiber.sleep(for: pause)
      } catch {
        throw .cancelled(error)
      }
      pause = min(pause * 2, .milliseconds(10))
      code = unsafe address.withPointer { unsafe cfib_connect(descriptor, $0, $1) }
    }
    switch code {
    case 0: break
    // Interrupted, it goes on by itself as well.
    case -EINPROGRESS, -EINTR:
      try reference.wait(.write, scheduler)
      let code = try IOError.check(.getsockopt, cfib_socket_error(descriptor))
      if code > 0 { throw .system(call: .connect, code: code) }
    default: try IOError.check(.connect, code)
    }
    return handle
  }

  /// Looks `host` up and connects to the first of its addresses that answers.
  ///
  /// - Parameters:
  ///   - host: A name or an address in numbers.
  ///   - port: The port.
  /// - Returns: The connection.
  /// - Throws: ``NameError`` when there is no such name; the ``IOError`` of the last attempt.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public static func connect(host: String, port: UInt16) throws -> IOHandle {
    var failure: any Error = NameError(host: host, code: EAI_NONAME)
    for address in try SocketAddress.resolve(host, port: port) {
      do throws(IOError) {
        return try connect(to: address)
      } catch {
        if error.interruption != nil { throw error }
        failure = error
      }
    }
    throw failure
  }

  static func socket(_ family: Int32, _ type: Int32) throws(IOError) -> IOHandle {
    let isStream = family != AF_UNIX && type == Int32(SOCK_STREAM.rawValue)
    return try IOHandle(
      IOError.check(.socket, cfib_socket(family, type)), kind: isStream ? .stream : .socket)
  }

  static func setOption(
    _ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32
  ) throws(IOError) {
    try IOError.check(.setsockopt, cfib_set_option(descriptor, level, name, value))
  }
}

/// What can be done with sockets.
extension IOEndpoint where Self: ~Copyable {
  /// Takes a connection that waits; parks the running fiber while there is none.
  ///
  /// When the process has no descriptor left (`EMFILE`, `ENFILE`) this throws, and the connection goes
  /// on waiting: let some time pass, or close something, and call again.
  ///
  /// - Returns: The connection.
  /// - Throws: ``IOError``: none was taken.
  /// - Precondition: Called by a fiber of the handle's runtime, for a listening socket.
  ///
  /// Corresponds to C's `async_accept_io`.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func accept() throws(IOError) -> IOHandle {
    let reference = reference
    while true {
      let scheduler = try reference.enter()
      let result = try cfib_accept(reference.descriptor)
      if result >= 0 { return try unsafe IOHandle(result, kind: reference.slot.pointee.kind) }
      switch -result {
      // The peer has given up while its connection waited: not an error of ours.
      case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
        ENETUNREACH:
        continue
      default: try reference.mayRepeat(.accept, .read, code: -result, scheduler)
      }
    }
  }

  /// Ends one direction of a connection, or both; the handle stays open.
  ///
  /// - Parameter direction: `.write` tells the peer that no more comes.
  /// - Throws: ``IOError``.
  public func shutdown(_ direction: IODirection) throws(IOError) {
    let how: Int32 =
      switch direction {
      case .read: Int32(SHUT_RD)
      case .write: Int32(SHUT_WR)
      case .both: Int32(SHUT_RDWR)
      }
    try IOError.check(.shutdown, cfib_shutdown(reference.descriptor, how))
  }

  /// Where this end of the socket is.
  public var localAddress: SocketAddress {
    get throws(IOError) {
      let descriptor = try reference.descriptor
      return try unsafe SocketAddress.filled(.getsockname) { room, length in
        unsafe cfib_address(descriptor, 0, room, &length)
      }.address
    }
  }

  /// Where the other end of the connection is.
  public var peerAddress: SocketAddress {
    get throws(IOError) {
      let descriptor = try reference.descriptor
      return try unsafe SocketAddress.filled(.getpeername) { room, length in
        unsafe cfib_address(descriptor, 1, room, &length)
      }.address
    }
  }

  /// Whether small packets are sent at once instead of being collected (TCP).
  ///
  /// - Parameter isOn: `true` for the lowest latency.
  /// - Throws: ``IOError``.
  public func setNoDelay(_ isOn: Bool) throws(IOError) {
    try setOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY, isOn ? 1 : 0)
  }

  /// Sets any option of a socket that is a number; see `setsockopt(2)`.
  ///
  /// - Parameters:
  ///   - level: Such as `SOL_SOCKET`.
  ///   - name: Such as `SO_RCVBUF`.
  ///   - value: The value.
  /// - Throws: ``IOError``.
  public func setOption(level: Int32, name: Int32, _ value: Int32) throws(IOError) {
    try IOHandle.setOption(reference.descriptor, level, name, value)
  }

  /// An option of a socket that is a number; see `getsockopt(2)`.
  ///
  /// - Parameters:
  ///   - level: Such as `SOL_SOCKET`.
  ///   - name: Such as `SO_RCVBUF`.
  /// - Returns: The value.
  /// - Throws: ``IOError``.
  public func option(level: Int32, name: Int32) throws(IOError) -> Int32 {
    var value: Int32 = 0
    try unsafe IOError.check(
      .getsockopt, cfib_get_option(reference.descriptor, level, name, &value))
    return value
  }
}
