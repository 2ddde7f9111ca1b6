import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite struct NotifierTests {
  @Test func `an empty notifier offers nothing`() {
    var notifier = Notifier()
    expect(!notifier.offersWaker)
    expect(notifier.takeWaker() == nil)
    expect(notifier.used.isEmpty)
    expect(notifier.poller == nil)
  }

  @Test func `taking the waker is noted`() {
    let target = RecordingTarget()
    var notifier = Notifier(waker: Waker(target, token: 7))
    expect(notifier.offersWaker)
    expect(notifier.used.isEmpty)
    let waker = notifier.takeWaker()
    expect(notifier.used == .waker)
    waker?.wake()
    expect(target.woken == [7])
  }

  @Test func `watching a word is noted, a second one asks for repeated polls`() {
    let first = Word()
    let second = Word()
    var notifier = Notifier()
    notifier.watch(Poller(address: first.address, value: 0))
    expect(notifier.used == .poller)
    notifier.watch(Poller(address: second.address, value: 0))
    expect(notifier.used == [.poller, .repeatedPolls])
    expect(notifier.poller?.address == UnsafePointer(first.address))
    expect(notifier.poller?.value == 0)
  }

  @Test func `repeated polls are noted`() {
    var notifier = Notifier()
    notifier.pollRepeatedly()
    expect(notifier.used == .repeatedPolls)
  }

  @Test func `a poller tells whether its word has changed`() {
    let word = Word()
    let poller = Poller(address: word.address, value: 0)
    expect(!poller.hasChanged)
    word.set(1)
    expect(poller.hasChanged)
    word.set(0)
    expect(!poller.hasChanged)
  }

  @Test func `use is a set of three bits`() {
    let all: Notifier.Use = [.waker, .poller, .repeatedPolls]
    expect(all.rawValue == 7)
    expect(Notifier.Use(rawValue: 1) == .waker)
    expect(Set([all, all]).count == 1)
  }

  // MARK: Parts

  @Test func `parts add up`() {
    let word = Word()
    var notifier = Notifier(waker: RecordingTarget().waker)
    expect(notifier.pollPart { $0.takeWaker() == nil ? FutureState.idle : .running } == .running)
    expect(notifier.used == .waker)
    let state = notifier.pollPart {
      $0.watch(Poller(address: word.address, value: 0))
      return .running
    }
    expect(state == .running)
    expect(notifier.used == [.waker, .poller])
  }

  @Test func `a part that uses nothing asks for repeated polls`() {
    var notifier = Notifier(waker: RecordingTarget().waker)
    _ = notifier.pollPart { $0.takeWaker() == nil ? FutureState.idle : .running }
    expect(notifier.pollPart { _ in .idle } == .idle)
    expect(notifier.used == [.waker, .repeatedPolls])
  }

  @Test func `a part that completes has used nothing`() {
    let word = Word()
    var notifier = Notifier(waker: RecordingTarget().waker)
    _ = notifier.pollPart {
      _ = $0.takeWaker()
      $0.watch(Poller(address: word.address, value: 0))
      return .complete
    }
    expect(notifier.used.isEmpty)
    expect(notifier.poller == nil)
  }

  @Test func `two parts that watch ask for repeated polls`() {
    let first = Word()
    let second = Word()
    var notifier = Notifier()
    for word in [first, second] {
      _ = notifier.pollPart {
        $0.watch(Poller(address: word.address, value: 0))
        return .running
      }
    }
    expect(notifier.used == [.poller, .repeatedPolls])
    expect(notifier.poller?.address == UnsafePointer(first.address))
  }

  @Test func `a part that completes leaves the word of another watched`() {
    let first = Word()
    let second = Word()
    var notifier = Notifier()
    _ = notifier.pollPart {
      $0.watch(Poller(address: first.address, value: 0))
      return .running
    }
    _ = notifier.pollPart {
      $0.watch(Poller(address: second.address, value: 0))
      return .complete
    }
    expect(notifier.used == .poller)
    expect(notifier.poller?.address == UnsafePointer(first.address))
  }

  @Test func `a future that completes has used nothing`() {
    let signal = Signal()
    var notifier = Notifier(waker: RecordingTarget().waker)
    var future = Signalled(signal)
    future.poll(&notifier)
    expect(notifier.used == .waker)
    signal.fire()
    var other = Notifier(waker: RecordingTarget().waker)
    expect(future.poll(&other) == .complete)
    expect(other.used.isEmpty)
  }
}
