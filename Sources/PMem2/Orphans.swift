import MiniAsync
import VDM

/// Operations whose futures were dropped while they ran: they still use a map's memory.
///
/// Nobody tells when a mover is done with them but they themselves, when they are polled. So they
/// are kept, looked at when another is added, and waited for before the memory is unmapped.
struct Orphans: ~Copyable, Sendable {
  typealias Group = FutureGroup<OperationFuture<MapMover>>

  // A group that is looked at is taken out first: nothing is polled under the lock.
  private let groups = Locked<[OrphanGroup]>([])

  /// Keeps a group until its operations are done.
  ///
  /// - Returns: How many groups of earlier calls are done and were let go.
  borrowing func adopt(_ group: consuming Group) -> Int {
    let earlier = takeAll()
    let running = earlier.filter { !$0.isDone() } + [OrphanGroup(group)]
    groups.withLock { $0 += running }
    return earlier.count + 1 - running.count
  }

  /// Waits until everything is done.
  ///
  /// - Parameter release: Told how many groups were let go.
  @available(*, noasync)
  borrowing func waitForAll(released release: (Int) -> Void = { _ in }) {
    let groups = takeAll()
    if groups.isEmpty { return }
    let runtime = Runtime()
    for group in groups { while runtime.next(&group.group) != nil {} }
    release(groups.count)
  }

  private borrowing func takeAll() -> [OrphanGroup] {
    groups.withLock { groups in
      let all = groups
      groups = []
      return all
    }
  }
}

/// A group whose futures' owners are gone.
///
/// (Not nested and private: the compiler of Swift 6.3.1 makes a broken module of that.)
// @unchecked: used by one thread, the one that has taken it out of the list.
final class OrphanGroup: @unchecked Sendable {
  var group: Orphans.Group

  init(_ group: consuming Orphans.Group) { self.group = group }

  /// Looks whether everything is done.
  func isDone() -> Bool {
    var notifier = Notifier()
    while group.poll(&notifier) {
      while group.takeCompleted() != nil {}
      if group.isEmpty { return true }
    }
    return false
  }
}
