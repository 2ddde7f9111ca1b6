import Testing
import VDM

/// The movers that every behaviour of operations is tested on.
enum MoverChoice: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case synchronous
  case oneThread
  case threads
  case poller
  case noNotifier
  case tinyQueue

  var testDescription: String { rawValue }

  /// Makes such a mover; a generic function can be called with it.
  func make() throws -> any DataMover {
    switch self {
    case .synchronous: SynchronousMover()
    case .oneThread: try ThreadMover(configuration: .init(threads: 1))
    case .threads: try ThreadMover(configuration: .init(threads: 2))
    case .poller: try ThreadMover(configuration: .with { $0.notifier = .poller })
    case .noNotifier: try ThreadMover(configuration: .with { $0.notifier = .none })
    case .tinyQueue:
      try ThreadMover(
        configuration: .with {
          $0.queueCapacity = 1
          $0.splitThreshold = 1 << 14
          $0.spinLimit = 0
        })
    }
  }
}

extension ThreadMover.Configuration {
  /// A configuration for a test: two threads, and what `change` makes of it.
  static func with(threads: Int = 2, _ change: (inout Self) -> Void) -> Self {
    var configuration = Self(threads: threads)
    change(&configuration)
    return configuration
  }
}

extension OperationFlags {
  /// Every combination of flags.
  static let combinations: [OperationFlags] = [
    [], .durable, .noCacheHint, [.durable, .noCacheHint],
  ]
}
