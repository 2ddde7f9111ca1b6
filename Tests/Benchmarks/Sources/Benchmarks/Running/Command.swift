import CBenchmarks
import Glibc

/// A program to be run once, in a process of its own.
struct Command {
  /// A path, or a name that is looked up in `PATH`.
  var program: String
  var arguments: [String] = []
  /// The only processor it may use; `nil`: those this program could use at its start.
  var processor: Int?
  /// Variables set in addition to those of this program.
  var environment: [String: String] = [:]
  /// It is killed when it takes longer.
  var secondsAllowed = 60

  /// Runs it to its end; blocks the thread meanwhile.
  ///
  /// - Returns: What it wrote to standard output.
  /// - Throws: ``CommandError``; what it wrote is in ``CommandError/failed``.
  func run() throws(CommandError) -> String {
    var output = try Pipe(program)
    var complaints = try Pipe(program)
    let process = try spawn(output, complaints)
    output.closeWriting()
    complaints.closeWriting()
    let isComplete = drain(&output, &complaints)
    if !isComplete { kill(process, SIGKILL) }
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    guard isComplete else { throw .tookTooLong(program, seconds: secondsAllowed) }
    // As WIFEXITED and WEXITSTATUS, which are macros: zero says that it ended well.
    guard status == 0 else {
      throw .failed(program, status: status, complaint: complaints.text + output.text)
    }
    return output.text
  }

  private func spawn(_ output: borrowing Pipe, _ complaints: borrowing Pipe)
    throws(CommandError) -> pid_t
  {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, complaints.writing, STDERR_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] = settingsOfChild().map { strdup($0) } + [nil]
    defer { for string in words + settings { free(string) } }

    // The child inherits the processors of this thread.
    if let processor { _ = bench_pin(CInt(processor)) } else { _ = bench_unpin() }
    defer { _ = bench_pin(0) }
    var process: pid_t = 0
    let code = posix_spawnp(&process, program, &actions, nil, &words, &settings)
    guard code == 0 else { throw .couldNotStart(program, errno: code) }
    return process
  }

  private func settingsOfChild() -> [String] {
    var settings: [String] = []
    var entry = environ
    while let setting = entry.pointee {
      let text = String(cString: setting)
      let name = String(text.prefix { $0 != "=" })
      if environment[name] == nil { settings.append(text) }
      entry += 1
    }
    return settings + environment.map { "\($0)=\($1)" }
  }

  /// Reads both pipes to their end; `false` when that takes too long.
  private func drain(_ first: inout Pipe, _ second: inout Pipe) -> Bool {
    let end = bench_now() + UInt64(secondsAllowed) * 1_000_000_000
    while !(first.isAtEnd && second.isAtEnd) {
      let now = bench_now()
      guard now < end else { return false }
      var waiting = [
        pollfd(fd: first.isAtEnd ? -1 : first.reading, events: Int16(POLLIN), revents: 0),
        pollfd(fd: second.isAtEnd ? -1 : second.reading, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&waiting, 2, CInt((end - now) / 1_000_000) + 1) > 0 else { continue }
      if waiting[0].revents != 0 { first.readSome() }
      if waiting[1].revents != 0 { second.readSome() }
    }
    return true
  }
}

/// Why a program gave no result.
enum CommandError: Error, CustomStringConvertible {
  case couldNotStart(String, errno: CInt)
  case tookTooLong(String, seconds: Int)
  /// It ended by a signal, or with a status that is not zero.
  case failed(String, status: CInt, complaint: String)

  var description: String {
    switch self {
    case .couldNotStart(let program, ENOENT): "\(program) is not installed"
    case .couldNotStart(let program, let errno): "\(program): \(String(cString: strerror(errno)))"
    case .tookTooLong(let program, let seconds): "\(program) took more than \(seconds) s"
    case .failed(let program, let status, let complaint):
      "\(program) \(status & 0x7f == 0 ? "exited with \(status >> 8)" : "got signal \(status & 0x7f)")"
        + (firstError(complaint).map { ": \($0)" } ?? "")
    }
  }

  /// The line of a compiler's or program's output that tells most.
  private func firstError(_ text: String) -> String? {
    let lines = text.split(separator: "\n")
    return (lines.first { $0.contains("error:") } ?? lines.last).map(String.init)
  }
}

/// A pipe whose writing end is for a child.
private struct Pipe: ~Copyable {
  let reading: CInt
  private(set) var writing: CInt
  private(set) var isAtEnd = false
  private var bytes: [UInt8] = []

  init(_ program: String) throws(CommandError) {
    var ends: [CInt] = [-1, -1]
    guard bench_pipe(&ends) == 0 else { throw .couldNotStart(program, errno: errno) }
    (reading, writing) = (ends[0], ends[1])
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func closeWriting() {
    close(writing)
    writing = -1
  }

  mutating func readSome() {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(reading, &buffer, buffer.count)
    if count > 0 {
      bytes += buffer.prefix(count)
    } else if count == 0 || errno != EINTR {
      isAtEnd = true
    }
  }

  deinit {
    close(reading)
    if writing >= 0 { close(writing) }
  }
}
