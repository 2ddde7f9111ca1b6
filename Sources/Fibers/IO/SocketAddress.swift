import CFibers
import Glibc

/// Where a socket is: an IPv4 or IPv6 address with a port, or a path for a Unix socket.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  /// The address as the system has it (`sockaddr_in`, `sockaddr_in6`, `sockaddr_un`).
  private let bytes: [UInt8]

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// An IPv4 address.
  ///
  /// - Parameters:
  ///   - text: Four numbers, such as `127.0.0.1`; names go through ``resolve(_:port:)``.
  ///   - port: 0 lets the system choose where that makes sense.
  /// - Returns: `nil` when `text` is no such address.
  public static func ipv4(_ text: String, port: UInt16) -> SocketAddress? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    // C would see the text end at a zero.
    guard !text.utf8.contains(0), unsafe inet_pton(AF_INET, text, &address.sin_addr) == 1 else {
      return nil
    }
    return unsafe withUnsafeBytes(of: address) { unsafe SocketAddress(bytes: Array($0)) }
  }

  /// An IPv6 address.
  ///
  /// - Parameters:
  ///   - text: Such as `::1` or `fe80::1%eth0`, without brackets. The zone, after the `%`, is the name
  ///     or the number of a network interface, which link-local addresses need.
  ///   - port: 0 lets the system choose where that makes sense.
  /// - Returns: `nil` when `text` is no such address, or the machine has no such interface.
  public static func ipv6(_ text: String, port: UInt16) -> SocketAddress? {
    guard !text.utf8.contains(0) else { return nil }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    var number = text
    if let sign = text.utf8.firstIndex(of: UInt8(ascii: "%")) {
      let zone = String(text[text.index(after: sign)...])
      guard let index = interface(zone) else { return nil }
      address.sin6_scope_id = index
      number = String(text[..<sign])
    }
    guard unsafe inet_pton(AF_INET6, number, &address.sin6_addr) == 1 else { return nil }
    return unsafe withUnsafeBytes(of: address) { unsafe SocketAddress(bytes: Array($0)) }
  }

  /// The index of the network interface `zone`: its name, or that index in digits.
  private static func interface(_ zone: String) -> UInt32? {
    if zone.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
      var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
      guard let index = UInt32(zone), unsafe if_indextoname(index, &name) != nil else { return nil }
      return index
    }
    let index = unsafe if_nametoindex(zone)
    return index == 0 ? nil : index
  }

  /// A Unix socket.
  ///
  /// - Parameter path: At most 107 bytes in UTF-8, none of them zero.
  /// - Returns: `nil` when the path is empty, too long, or has a zero byte.
  public static func unix(path: String) -> SocketAddress? {
    let name = Array(path.utf8)
    let room = MemoryLayout<sockaddr_un>.size - 2
    guard !name.isEmpty, name.count < room, !name.contains(0) else { return nil }
    let family = sa_family_t(AF_UNIX)
    let prefix = unsafe withUnsafeBytes(of: family) { unsafe Array($0) }
    return SocketAddress(bytes: prefix + name + [0])
  }

  /// This machine, by IPv4: `127.0.0.1`.
  public static func loopback(port: UInt16) -> SocketAddress {
    guard let address = ipv4("127.0.0.1", port: port) else { preconditionFailure("SocketAddress") }
    return address
  }

  /// All addresses of this machine, by IPv4: `0.0.0.0`.
  public static func anyAddress(port: UInt16) -> SocketAddress {
    guard let address = ipv4("0.0.0.0", port: port) else { preconditionFailure("SocketAddress") }
    return address
  }

  /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
  var family: Int32 {
    unsafe bytes.withUnsafeBytes { Int32(unsafe $0.loadUnaligned(as: sa_family_t.self)) }
  }

  /// The port; `nil` for a Unix socket.
  public var port: UInt16? {
    guard family != AF_UNIX, bytes.count >= 4 else { return nil }
    return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
  }

  /// The address in numbers, without the port; `nil` for a Unix socket.
  ///
  /// What ``ipv4(_:port:)`` and ``ipv6(_:port:)`` take: `127.0.0.1`, `::1`, `fe80::1%2`.
  public var host: String? {
    switch family {
    case AF_INET: return numeric(offset: 4)
    case AF_INET6: return zone == 0 ? numeric(offset: 8) : "\(numeric(offset: 8))%\(zone)"
    default: return nil
    }
  }

  /// The path of a Unix socket; `nil` for others, and for one without a name.
  ///
  /// An abstract name begins with `@` in place of its zero byte, as in `ss(8)`.
  public var path: String? {
    guard family == AF_UNIX, bytes.count > 2 else { return nil }
    let name = bytes.dropFirst(2)
    if name.first == 0 {
      return name.count == 1 ? nil : "@" + String(decoding: name.dropFirst(), as: UTF8.self)
    }
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The index of the network interface that an IPv6 address is meant for; 0 is any.
  private var zone: UInt32 {
    guard bytes.count >= MemoryLayout<sockaddr_in6>.size else { return 0 }
    return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: sockaddr_in6.self) }
      .sin6_scope_id
  }

  /// `127.0.0.1:80`, `[::1]:80`, or the path.
  public var description: String {
    switch family {
    case AF_INET: "\(host ?? "?"):\(port ?? 0)"
    case AF_INET6: "[\(host ?? "?")]:\(port ?? 0)"
    case AF_UNIX: path ?? "a Unix socket without a name"
    default: "an address of family \(family)"
    }
  }

  private func numeric(offset: Int) -> String {
    var text = [CChar](repeating: 0, count: 64)
    let isKnown = unsafe bytes.withUnsafeBytes { bytes in
      unsafe inet_ntop(
        family, bytes.baseAddress.map { unsafe $0 + offset }, &text, socklen_t(text.count)) != nil
    }
    guard isKnown else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Calls `body` with the address as the system wants it.
  func withPointer<Result>(_ body: (UnsafeRawPointer?, UInt32) -> Result) -> Result {
    unsafe bytes.withUnsafeBytes { unsafe body($0.baseAddress, UInt32($0.count)) }
  }

  /// The address that `fill` writes, and what it returns, which is `-errno` when it fails.
  static func filled<Number: SignedInteger>(
    _ call: IOError.SystemCall,
    by fill: (UnsafeMutableRawPointer, inout UInt32) throws(IOError) -> Number
  ) throws(IOError) -> (result: Number, address: SocketAddress) {
    var storage = sockaddr_storage()
    var length = UInt32(MemoryLayout<sockaddr_storage>.size)
    let result = try unsafe withUnsafeMutablePointer(to: &storage) { room throws(IOError) in
      try unsafe fill(room, &length)
    }
    try IOError.check(call, result)
    let bytes = unsafe withUnsafeBytes(of: storage) { unsafe Array($0.prefix(Int(length))) }
    // A Unix socket without a name has no length.
    let address = SocketAddress(bytes: bytes.count < 2 ? [UInt8(AF_UNIX), 0] : bytes)
    return (result, address)
  }

  /// Looks a name up, on a helper thread.
  ///
  /// - Parameters:
  ///   - host: A name such as `example.org`, or an address in numbers.
  ///   - port: For the addresses returned.
  /// - Returns: The addresses, the system's favourite first; at least one.
  /// - Throws: ``NameError`` when the name is not known, or cannot be looked up now. The lookup itself
  ///   is not cut short by a cancellation, which stays pending.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public static func resolve(
    _ host: String, port: UInt16
  ) throws(NameError) -> [SocketAddress] {
    // C would see the name end there.
    guard !host.utf8.contains(0) else { throw NameError(host: host, code: EAI_NONAME) }
    return try Fiber.blocking { () throws(NameError) -> [SocketAddress] in
      var hints = unsafe addrinfo()
      unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      unsafe hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
      var list: UnsafeMutablePointer<addrinfo>?
      let code = unsafe getaddrinfo(host, "\(port)", &hints, &list)
      guard code == 0 else { throw NameError(host: host, code: code) }
      defer { unsafe freeaddrinfo(list) }
      var addresses: [SocketAddress] = []
      var next = unsafe list
      while let entry = unsafe next {
        if let address = unsafe entry.pointee.ai_addr {
          let raw = unsafe UnsafeRawBufferPointer(
            start: address, count: Int(entry.pointee.ai_addrlen))
          unsafe addresses.append(SocketAddress(bytes: Array(raw)))
        }
        unsafe next = entry.pointee.ai_next
      }
      return addresses
    }
  }
}

/// Why a name could not be looked up.
public struct NameError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let host: String
  /// What `getaddrinfo` returned.
  public let code: Int32

  /// In words.
  public var description: String {
    let text = unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    return "cannot look up '\(host)': \(text)"
  }
}
