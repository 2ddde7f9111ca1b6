import Fibers
import Glibc
import TestSupport
import Testing

/// Runs `body` as the first fiber of a runtime of its own, and the fibers it spawns to their end.
///
/// Says so and ends the process when it hangs.
func inFibers<Value>(
  stackByteCount: Int = 256 << 10, _ body: @escaping () throws -> Value
) throws -> Value {
  var configuration = FiberRuntime.Configuration()
  // Room for what `#expect` needs when it fails.
  configuration.stackByteCount = stackByteCount
  let runtime = try FiberRuntime(configuration)
  let main = try runtime.spawn(name: "main") { try body() }
  let watchdog = try runtime.spawn(name: "watchdog") {
    try Fiber.sleep(for: hangLimit)
    fatalError("the test hangs")
  }
  try runtime.spawn {
    _ = try? main.join()
    while runtime.aliveCount > 2 { try Fiber.sleep(for: .microseconds(100)) }
    watchdog.cancel()
  }
  try runtime.run()
  return try main.join()
}

/// Lets the other fibers and the event loop have turns until `condition` holds.
func untilFiber(_ condition: () -> Bool) throws {
  while !condition() { try Fiber.yield() }
}

/// Lets the other fibers run until `fiber` is parked.
func untilParked<Value, Problem: Error>(_ fiber: Fiber<Value, Problem>) throws {
  while fiber.status != .parked {
    precondition(fiber.status != .finished, "ended instead of parking")
    try Fiber.yield()
  }
}

/// The sockets, pipes and files of a test, by what they are and not by their numbers.
///
/// Tests of other suites may open and close descriptors at the same time; and a number that was
/// closed soon means another thing.
final class Watch {
  private var kept: Set<String> = []

  private static func identity(_ descriptor: Int32) -> String? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    return "\(status.st_dev).\(status.st_ino)"
  }

  @discardableResult
  func add(_ descriptor: Int32) -> Int32 {
    if let identity = Self.identity(descriptor) { kept.insert(identity) }
    return descriptor
  }

  func add(_ reference: IOReference) { if let number = try? reference.descriptor { add(number) } }

  func add(_ pair: borrowing IOPair) {
    add(pair.first.reference)
    add(pair.second.reference)
  }

  /// How many descriptors of this process are still open to what was added.
  var openCount: Int {
    (0..<Int32(20_000)).reduce(0) { sum, number in
      guard let identity = Self.identity(number) else { return sum }
      return sum + (kept.contains(identity) ? 1 : 0)
    }
  }
}

/// The descriptors of a process that does nothing else: what must be as before.
struct OpenDescriptors: CustomStringConvertible {
  /// Each with its number and what it is.
  private var named: [String] = []
  /// Those of event loops, counted.
  private var eventCount = 0

  /// Those that are open now.
  static var now: OpenDescriptors {
    var open = OpenDescriptors()
    for number in 0..<Int32(20_000) where fcntl(number, F_GETFD) >= 0 {
      let name = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { name in
        let length = name.baseAddress.map { readlink("/proc/self/fd/\(number)", $0, 256) } ?? 0
        return String(decoding: name[..<max(0, length)], as: UTF8.self)
      }
      if name.hasPrefix("anon_inode:[event") {
        open.eventCount += 1
      } else if name != "anon_inode:[timerfd]" {
        open.named.append("\(number) \(name)")
      }
    }
    return open
  }

  /// Whether what was opened since `before` is closed again.
  ///
  /// libdispatch makes an epoll, an eventfd and timerfds for the test library whenever it likes: a
  /// leak of event loops shows when there have been several.
  func isBack(to before: OpenDescriptors) -> Bool {
    named == before.named && eventCount <= before.eventCount + 2
  }

  var description: String { "\(named) and \(eventCount) of event loops" }
}

/// The error of `body`, if it is one of I/O.
func ioError<Value: ~Copyable>(_ body: () throws -> Value) -> IOError? {
  do {
    _ = try body()
    return nil
  } catch let error as IOError {
    return error
  } catch let error as IOPartialError {
    return error.error
  } catch {
    Issue.record("not an error of I/O: \(error)")
    return nil
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension IOEndpoint where Self: ~Copyable {
  /// What comes, up to `count` bytes at once, as text.
  func text(_ count: Int = 64) throws -> String {
    var buffer = [UInt8](repeating: 0, count: count)
    let got = try read(into: &buffer)
    return String(decoding: buffer[..<got], as: UTF8.self)
  }
}

/// Two ends of a TCP connection over loopback.
func tcpPair<Value>(
  _ watch: Watch? = nil, _ body: (consuming IOHandle, consuming IOHandle) throws -> Value
) throws -> Value {
  let listener = try IOHandle.listen(on: .loopback(port: 0))
  let client = try IOHandle.connect(to: listener.localAddress)
  let server = try listener.accept()
  watch?.add(listener.reference)
  watch?.add(client.reference)
  watch?.add(server.reference)
  return try body(client, server)
}

/// An address that is taken, so that nobody else listens there, and where nobody listens.
///
/// Taken as long as this is there.
final class TakenPort {
  let address: SocketAddress
  private let handle: IOHandle

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var any = sockaddr_in()
    any.sin_family = sa_family_t(AF_INET)
    any.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &any) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(code == 0)
    handle = try IOHandle(owning: descriptor)
    address = try handle.localAddress
  }
}
