import Fibers

/// A runtime whose fibers check exclusive access in this way, with defaults else.
func makeRuntime(_ exclusivity: FiberRuntime.Exclusivity) throws -> FiberRuntime {
  var configuration = FiberRuntime.Configuration()
  configuration.exclusivity = exclusivity
  return try FiberRuntime(configuration)
}

/// The same measurement for both ways to check exclusive access: `NAME-isolated`, as in release
/// builds by default, and `NAME-shared`.
func inBothModes(
  _ name: String, size: Int = 0,
  _ run: @escaping @Sendable (_ size: Int, _ mode: FiberRuntime.Exclusivity) throws -> Double
) -> [Measurement] {
  [("isolated", FiberRuntime.Exclusivity.isolated), ("shared", .shared)].map { label, mode in
    Measurement(name: "\(name)-\(label)", size: size) { [("", try run($0, mode))] }
  }
}
