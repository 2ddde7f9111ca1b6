import Glibc

/// A gate that threads stand at until it is opened, and that counts who has come.
///
/// For the functions that a test gives a mover: the test waits for a worker to arrive, and so
/// knows what has begun, without sleeping. Made of pthread primitives, which sanitizers understand.
public final class MoverGate: @unchecked Sendable {
  // @unchecked: everything below is read and written under `mutex`.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isOpen: Bool
  private var arrived = 0

  /// Makes a gate, closed unless said otherwise.
  public init(isOpen: Bool = false) {
    self.isOpen = isOpen
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// How many have come to the gate, whether or not they passed.
  public var arrivals: Int { locked { arrived } }

  /// Comes to the gate, and waits until it is open.
  public func pass() {
    locked {
      arrived += 1
      pthread_cond_broadcast(changed)
      while !isOpen { pthread_cond_wait(changed, mutex) }
    }
  }

  /// Comes to the gate and does not wait.
  public func arrive() {
    locked {
      arrived += 1
      pthread_cond_broadcast(changed)
    }
  }

  /// Lets everybody through from now on.
  public func open() {
    locked {
      isOpen = true
      pthread_cond_broadcast(changed)
    }
  }

  /// Waits until `count` have come.
  public func waitForArrivals(_ count: Int) {
    locked {
      while arrived < count { pthread_cond_wait(changed, mutex) }
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}
