import CFibers
import Glibc

/// Why a call on a descriptor failed.
public enum IOError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system refused: `code` is an `errno`.
  case system(call: SystemCall, code: Int32)
  /// The handle was closed, before or while the fiber waited.
  case closed
  /// Another fiber waits for the same direction of the handle already.
  case busy
  /// The fiber was cancelled, or its deadline passed, while it waited.
  case cancelled(FiberCancelled)

  /// The thread has no runtime yet, and none could be made.
  case runtime(FiberError)

  /// A system call, by its name.
  public struct SystemCall: Hashable, Sendable, CustomStringConvertible {
    /// Such as `read`.
    public let name: String

    init(_ name: String) { self.name = name }

    /// The name.
    public var description: String { name }

    static let accept = SystemCall("accept4")
    static let bind = SystemCall("bind")
    static let close = SystemCall("close")
    static let connect = SystemCall("connect")
    static let epollAdd = SystemCall("epoll_ctl")
    static let epollCreate = SystemCall("epoll_create1")
    static let eventfd = SystemCall("eventfd")
    static let fcntl = SystemCall("fcntl")
    static let fstat = SystemCall("fstat")
    static let getsockname = SystemCall("getsockname")
    static let getpeername = SystemCall("getpeername")
    static let getsockopt = SystemCall("getsockopt")
    static let listen = SystemCall("listen")
    static let open = SystemCall("open")
    static let pipe = SystemCall("pipe2")
    static let read = SystemCall("read")
    static let readv = SystemCall("readv")
    static let recvmsg = SystemCall("recvmsg")
    static let sendto = SystemCall("sendto")
    static let setsockopt = SystemCall("setsockopt")
    static let shutdown = SystemCall("shutdown")
    static let sigaction = SystemCall("sigaction")
    static let socket = SystemCall("socket")
    static let socketpair = SystemCall("socketpair")
    static let write = SystemCall("write")
    static let writev = SystemCall("writev")
  }

  /// The `errno`, when it was the system that refused.
  public var code: Int32? {
    if case .system(_, let code) = self { code } else { nil }
  }

  /// What happened, in words.
  public var description: String {
    switch self {
    case .system(let call, let code):
      let text = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "?"
      return "\(call): \(text) (errno \(code))"
    case .closed: return "the handle is closed"
    case .busy: return "another fiber waits for the same direction of the handle"
    case .cancelled(let cause): return "\(cause)"
    case .runtime(let error): return "\(error)"
    }
  }

  /// The result of a shim that returns `-errno` when it fails.
  @discardableResult
  static func check<Number: SignedInteger>(
    _ call: SystemCall, _ result: Number
  ) throws(IOError) -> Number {
    if result < 0 { throw .system(call: call, code: Int32(-result)) }
    return result
  }
}

extension IOError: FiberInterruption {
  /// What cut the wait short, if that was it.
  public var interruption: FiberCancelled? {
    if case .cancelled(let cause) = self { cause } else { nil }
  }
}
