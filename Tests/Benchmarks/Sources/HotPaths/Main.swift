import CBenchmarks
import Glibc

/// Runs one hot path, for valgrind to count its instructions (`.ci/instructions.sh`).
///
///     hot-paths            the names
///     hot-paths NAME N     that path N times, and whatever it needs before and after
@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let count = Int(arguments[2]), count > 0 else {
      for path in hotPaths { print(path.name) }
      exit(arguments.count == 1 ? 0 : 2)
    }
    guard let path = hotPaths.first(where: { $0.name == arguments[1] }) else {
      fatalError("hot-paths: there is no path '\(arguments[1])'")
    }
    try path.run(count)
  }
}

/// Something that programs do millions of times.
struct HotPath: Sendable {
  let name: String
  /// Does it so many times, or a little more often: the same surplus whatever the number.
  let run: @Sendable (Int) throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (Int) throws -> Void) {
    self.name = name
    self.run = run
  }
}

let hotPaths = futurePaths + moverPaths + switchPaths + fiberPaths + channelPaths + waitPaths

/// Keeps the compiler from knowing, or leaving out, what is in `value`.
@inline(__always)
func keep<Value: ~Copyable>(_ value: inout Value) {
  withUnsafeMutablePointer(to: &value) { bench_keep($0) }
}
