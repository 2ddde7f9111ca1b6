import Glibc
import Synchronization

/// How a process has ended.
public enum ProcessEnd: Equatable, Sendable {
  /// With this exit status.
  case exit(CInt)
  /// By this signal.
  case signal(CInt)
}

/// What a finished process has left.
public struct ProcessResult: Sendable {
  /// How it has ended.
  public var end: ProcessEnd
  /// What it wrote to standard output.
  public var output: String
  /// What it wrote to standard error.
  public var errors: String
}

/// A process could not be started, or something it needs could not be made.
public struct ProcessFailure: Error {
  let what: String
  let number: CInt

  init(_ what: String, _ number: CInt = errno) {
    self.what = what
    self.number = number
  }
}

/// The path of a product that was built together with the running tests.
public func builtProduct(_ name: String) throws -> String {
  // The tests are an executable in the folder of the products.
  guard let tests = realpath("/proc/self/exe", nil) else { throw ProcessFailure("/proc/self/exe") }
  defer { free(tests) }
  let path = String(cString: tests)
  guard let slash = path.lastIndex(of: "/") else { throw ProcessFailure(path, ENOENT) }
  return path[...slash] + name
}

/// Runs a program to its end.
///
/// - Parameters:
///   - path: The program.
///   - arguments: What follows its name.
///   - environment: Variables to set beyond those of this process.
/// - Returns: How it ended, and what it wrote.
public func runProcess(
  _ path: String, _ arguments: [String], environment: [String: String] = [:]
) throws -> ProcessResult {
  let output = try Pipe()
  return try ChildProcess(path, arguments, environment: environment, output: output.writer)
    .finish(reading: output)
}

/// A process that is running, for tests that do something to it meanwhile.
public struct ChildProcess: ~Copyable {
  /// Its number.
  public let processID: pid_t
  private let errors: Pipe

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - path: The program.
  ///   - arguments: What follows its name.
  ///   - environment: Variables to set beyond those of this process.
  ///   - output: Its standard output.
  public init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], output: CInt
  ) throws {
    let errors = try Pipe()
    processID = try spawn(path, arguments, environment, output, errors.writer)
    self.errors = errors
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool {
    var info = siginfo_t()
    let result = waitid(P_PID, id_t(processID), &info, WEXITED | WNOHANG | WNOWAIT)
    return result == 0 && info.si_signo == 0
  }

  /// Waits, without reading what it writes, until it has done something that can be seen, or ended.
  ///
  /// - Returns: Whether it was seen.
  public borrowing func isSeen(_ condition: () -> Bool) -> Bool {
    while !condition() {
      guard isRunning else { return condition() }
      sched_yield()
    }
    return true
  }

  /// Sends a signal.
  public func send(_ signal: CInt) { kill(processID, signal) }

  /// Waits for the end, and for the end of what is written.
  ///
  /// - Parameter output: The pipe whose writing end the process has as standard output.
  public consuming func finish(reading output: Pipe) throws -> ProcessResult {
    output.closeWriter()
    errors.closeWriter()
    let texts = readToEnd(output.reader, errors.reader)
    var status: CInt = 0
    while waitpid(processID, &status, 0) < 0 {
      guard errno == EINTR else { throw ProcessFailure("waitpid") }
    }
    let end = status & 0x7f == 0 ? ProcessEnd.exit(status >> 8 & 0xff) : .signal(status & 0x7f)
    return ProcessResult(end: end, output: texts.0, errors: texts.1)
  }
}

/// A pipe, closed when the last reference goes.
public final class Pipe: Sendable {
  /// The end to read from.
  public let reader: CInt
  private let writing: Atomic<CInt>

  /// Makes a pipe that no child inherits by chance.
  public init() throws {
    var ends: [CInt] = [-1, -1]
    let made = spawning.withLock { _ in
      guard pipe(&ends) == 0 else { return false }
      return ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }
    }
    guard made else { throw ProcessFailure("pipe") }
    reader = ends[0]
    writing = Atomic(ends[1])
  }

  /// Makes a terminal instead: what is written to ``writer`` is read from ``reader``, with each
  /// line's end as a terminal has it, `\\r\\n`.
  public init(terminalColumns columns: UInt16) throws {
    // Glibc's module has none of `posix_openpt`, `unlockpt` and `ptsname`.
    let unlock = UInt(0x4004_5431)
    let getNumber = UInt(0x8004_5430)
    var zero: CInt = 0
    var number: CInt = 0
    reader = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard reader >= 0, ioctl(reader, unlock, &zero) == 0, ioctl(reader, getNumber, &number) == 0
    else { throw ProcessFailure("/dev/ptmx") }
    let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard terminal >= 0 else { throw ProcessFailure("/dev/pts/\(number)") }
    writing = Atomic(terminal)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    guard ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0 else { throw ProcessFailure("TIOCSWINSZ") }
  }

  deinit {
    closeWriter()
    close(reader)
  }

  /// The end to write to.
  public var writer: CInt { writing.load(ordering: .relaxed) }

  /// Closes the end to write to, so that the reader sees the end of what the child wrote.
  public func closeWriter() {
    let descriptor = writing.exchange(-1, ordering: .relaxed)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Fills the pipe, so that the next one to write blocks until somebody reads.
  ///
  /// - Returns: The number of bytes.
  public func fill() -> Int {
    let flags = fcntl(writer, F_GETFL)
    _ = fcntl(writer, F_SETFL, flags | O_NONBLOCK)
    var total = 0
    let zeros = [UInt8](repeating: 0, count: 4096)
    // Less and less, until nothing fits.
    for size in [4096, 1] {
      while true {
        let count = write(writer, zeros, size)
        if count <= 0 { break }
        total += count
      }
    }
    _ = fcntl(writer, F_SETFL, flags)
    return total
  }
}

// So that no child is started between the making of a pipe and its being marked close-on-exec.
private let spawning = Mutex<Void>(())

private func spawn(
  _ path: String, _ arguments: [String], _ environment: [String: String], _ output: CInt,
  _ errors: CInt
) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)

  // The child begins as from a shell, whatever the test runner does with signals.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

  var processID: pid_t = 0
  let number = withCStrings([path] + arguments) { arguments in
    withCStrings(merged(environment)) { environment in
      spawning.withLock { _ in
        posix_spawn(&processID, path, &actions, &attributes, arguments, environment)
      }
    }
  }
  guard number == 0 else { throw ProcessFailure("posix_spawn \(path)", number) }
  return processID
}

private func merged(_ more: [String: String]) -> [String] {
  var variables: [String] = []
  var next = environ
  while let variable = next.pointee {
    let text = String(cString: variable)
    if more[String(text.prefix { $0 != "=" })] == nil { variables.append(text) }
    next += 1
  }
  return variables + more.map { "\($0.key)=\($0.value)" }
}

private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  let pointers = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(
    capacity: strings.count + 1)
  _ = pointers.initialize(from: strings.map { strdup($0) } + [nil])
  defer {
    for pointer in pointers { free(pointer) }
    pointers.deallocate()
  }
  // The buffer holds one element at least.
  guard let base = pointers.baseAddress else { preconditionFailure("an empty buffer") }
  return body(base)
}

/// Reads both descriptors, as there is something to read, until both have ended.
private func readToEnd(_ first: CInt, _ second: CInt) -> (String, String) {
  var texts: [[UInt8]] = [[], []]
  var watched = [first, second].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  var buffer = [UInt8](repeating: 0, count: 65536)
  while watched.contains(where: { $0.fd >= 0 }) {
    guard poll(&watched, nfds_t(watched.count), -1) >= 0 else {
      if errno == EINTR { continue }
      break
    }
    for index in watched.indices where watched[index].fd >= 0 && watched[index].revents != 0 {
      let count = read(watched[index].fd, &buffer, buffer.count)
      if count > 0 { texts[index] += buffer[..<count] } else { watched[index].fd = -1 }
    }
  }
  return (String(decoding: texts[0], as: UTF8.self), String(decoding: texts[1], as: UTF8.self))
}
