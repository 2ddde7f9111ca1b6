import CFibers
import Glibc

/// An open descriptor: a socket, a pipe, a file, that fibers read and write.
///
/// Calls read like blocking code: they park the fiber, and never the thread. The system call comes
/// first; only one that would block waits. Cancellations and deadlines end each wait, and lose
/// nothing: a read that throws has taken no bytes, an accept that throws no connection.
///
///     let listener = try IOHandle.listen(on: .loopback(port: 7))
///     while true {
///       let connection = try listener.accept()
///       try Fiber.spawn(consuming: connection) { connection in
///         var bytes = [UInt8](repeating: 0, count: 4096)
///         while case let count = try connection.read(into: &bytes), count > 0 {
///           try connection.writeAll(bytes[..<count])
///         }
///       }
///     }
///
/// Regular files and other descriptors that cannot be polled are served by the runtime's helper
/// threads (``Fiber/blocking(_:)``) behind the same calls.
///
/// Not copyable: it is closed once, by ``close()`` or when it is dropped. Other fibers use its
/// ``reference``. Belongs to the thread of the runtime it was made in.
///
/// Corresponds to C's `async_io_t` and `async_io_register`.
@safe
public struct IOHandle: IOEndpoint, ~Copyable {
  /// The same descriptor for another fiber; does not keep it open.
  public let reference: IOReference
  private let isOwned: Bool
  /// The status flags that a borrowed descriptor had; -1: not changed.
  private let formerFlags: Int32

  /// Takes over an open descriptor, which becomes non-blocking.
  ///
  /// - Parameter descriptor: Closed with the handle; also when this throws it is still the caller's.
  /// - Throws: ``IOError`` when it is not open, or the runtime cannot make its epoll descriptor.
  /// - Precondition: Called by a fiber, or on the thread of a runtime.
  /// - Complexity: Three system calls.
  public init(owning descriptor: Int32) throws(IOError) {
    try self.init(descriptor, isOwned: true)
  }

  /// Uses a descriptor that somebody else closes, later.
  ///
  /// It is made non-blocking, and back when the handle goes: others who have the same open file
  /// (such as a terminal shared with the shell) see that meanwhile.
  ///
  /// - Parameter descriptor: Stays open at least as long as the handle.
  /// - Throws: ``IOError`` when it is not open, or the runtime cannot make its epoll descriptor.
  public init(borrowing descriptor: Int32) throws(IOError) {
    try self.init(descriptor, isOwned: false)
  }

  private init(_ descriptor: Int32, isOwned: Bool) throws(IOError) {
    var socket: Int32 = 0
    let kind = try unsafe IOError.check(.fstat, cfib_descriptor_kind(descriptor, &socket))
    let blocks = kind == 1
    let reference = try IOReference(
      descriptor,
      kind: blocks ? .blocking : socket == 0 ? .pollable : socket == 1 ? .socket : .stream)
    do throws(IOError) {
      // Of character devices some can be polled.
      if kind == 2, try unsafe !reference.loop.register(reference.slot) {
        unsafe reference.slot.pointee.kind = .blocking
      }
      formerFlags =
        blocks ? -1 : try IOError.check(.fcntl, cfib_set_nonblocking(descriptor))
    } catch {
      unsafe reference.loop.close(reference.slot)
      throw error
    }
    self.reference = reference
    self.isOwned = isOwned
  }

  /// A descriptor just made by this module: non-blocking already.
  init(_ descriptor: Int32, kind: IOSlot.Kind) throws(IOError) {
    do throws(IOError) {
      reference = try IOReference(descriptor, kind: kind)
    } catch {
      cfib_close(descriptor)
      throw error
    }
    isOwned = true
    formerFlags = -1
  }

  deinit { _ = finish(keepingOpen: !isOwned) }

  /// Closes the descriptor (lets go of one that was borrowed).
  ///
  /// Fibers that are parked on it, and whoever uses a ``reference`` later, get ``IOError/closed``.
  /// If a helper thread is in a call with it, it is closed after that.
  ///
  /// - Throws: ``IOError`` when the system reports that earlier writes have failed; the handle is
  ///   closed all the same.
  ///
  /// Corresponds to C's `async_io_close`.
  public consuming func close() throws(IOError) {
    try IOError.check(.close, finish(keepingOpen: !isOwned))
  }

  /// Gives the descriptor up, open, such as to another thread.
  ///
  /// As ``close()`` for fibers that wait on it. It stays non-blocking, unless it was borrowed.
  ///
  /// - Returns: The descriptor: the caller closes it.
  public consuming func release() -> Int32 {
    let descriptor = unsafe reference.slot.pointee.descriptor
    _ = finish(keepingOpen: true)
    return descriptor
  }

  /// Lets go of the slot, and of the descriptor.
  ///
  /// - Returns: 0 or `-errno`.
  private borrowing func finish(keepingOpen: Bool) -> Int32 {
    guard reference.isOpen else { return 0 }
    let (loop, slot) = unsafe (reference.loop, reference.slot)
    if loop.thread != Scheduler.threadID {
      misuse("IOHandle: closed on another thread; release() it on its own, and pass the number")
    }
    let descriptor = unsafe slot.pointee.descriptor
    var result: Int32 = 0
    // Also before a close: copies of the descriptor (dup, fork) would keep the registration.
    if unsafe slot.pointee.isRegistered { cfib_epoll_remove(loop.epoll, descriptor) }
    if keepingOpen {
      if !isOwned, formerFlags >= 0 { cfib_set_flags(descriptor, formerFlags) }
    } else if unsafe slot.pointee.callsElsewhere > 0 {
      unsafe slot.pointee.closesLater = true
    } else {
      result = cfib_close(descriptor)
    }
    unsafe loop.close(slot)
    return result
  }
}

/// A handle belongs to the thread of its runtime.
@available(*, unavailable, message: "an IOHandle belongs to its thread; release() the descriptor")
extension IOHandle: @unchecked Sendable {}

/// What can be read from and written to: an ``IOHandle`` or an ``IOReference``.
public protocol IOEndpoint: ~Copyable {
  /// What the operations work on.
  var reference: IOReference { get }
}

extension IOReference: IOEndpoint {
  /// Itself.
  public var reference: IOReference { self }
}
