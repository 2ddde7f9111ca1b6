import MiniAsync
import Synchronization
import TestSupport

/// What happened to a future, as its test sees it.
final class Probe: Sendable {
  let polls = Counter()
  let cancels = Counter()
  let drops = Counter()
}

/// Something that happens once, announced through a waker.
final class Signal: Sendable {
  let cell = WakerCell()
  private let flag = Flag()

  var isUp: Bool { flag.isRaised }

  func fire() {
    flag.raise()
    cell.wake()
  }
}

/// Completes when its signal was fired: the usual future with a waker.
struct Signalled: Future {
  let signal: Signal
  let probe: Probe
  var value = 0
  var isAsync = false
  var progress = FutureProgress<Int>.idle

  init(
    _ signal: Signal = Signal(), value: Int = 0, isAsync: Bool = false, probe: Probe = Probe()
  ) {
    self.signal = signal
    self.value = value
    self.isAsync = isAsync
    self.probe = probe
  }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    probe.polls.add()
    signal.cell.register(&notifier)
    return signal.isUp ? .complete(value) : .running
  }

  func hasProperty(_ property: FutureProperty) -> Bool { isAsync }

  /// Fires its signal: supports cancellation.
  mutating func cancel() {
    probe.cancels.add()
    signal.fire()
  }
}

/// Completes at the `polls`th poll, and uses no notifier.
struct Repeated: Future {
  var polls: Int
  var value = 0
  var probe = Probe()
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    probe.polls.add()
    polls -= 1
    return polls > 0 ? .running : .complete(value)
  }

  mutating func cancel() { probe.cancels.add() }
}

/// Completes at the `polls`th poll, and wakes itself at each.
struct SelfWaking: Future {
  var polls: Int
  var probe = Probe()
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    probe.polls.add()
    polls -= 1
    if polls == 0 { return .complete(0) }
    notifier.takeWaker()?.wake()
    return .running
  }
}

/// Completes when its word has reached `target`; asks to watch the word.
struct Watching: Future {
  let word: Word
  var target: UInt64 = 1
  var probe = Probe()
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    probe.polls.add()
    let seen = word.value
    if seen >= target { return .complete(Int(seen)) }
    notifier.watch(Poller(address: word.address, value: seen))
    return .running
  }
}

/// A future that no one can copy, and whose drops are counted.
struct Dropping<Base: Future>: Future, ~Copyable {
  var base: Base
  private let token: DropToken
  var progress = FutureProgress<Base.Output>.idle

  init(_ base: Base, _ drops: Counter) {
    self.base = base
    token = DropToken(drops)
    progress = base.progress
  }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Base.Output> {
    _ = base.poll(&notifier)
    return base.progress
  }

  borrowing func hasProperty(_ property: FutureProperty) -> Bool { base.hasProperty(property) }
  mutating func cancel() { base.cancel() }
}

extension Dropping: Sendable where Base: Sendable, Base.Output: Sendable {}

/// Notes how often each token was woken.
final class RecordingTarget: WakeTarget {
  private let tokens = Guarded<[UInt64]>([])

  var woken: [UInt64] { tokens.withLock { $0 } }
  var count: Int { woken.count }
  var waker: Waker { Waker(self) }

  func wake(token: UInt64) { tokens.withLock { $0.append(token) } }
}
