/// A timer in the ``NearHeap``, with what it is ordered by.
struct NearTimer {
  var deadline: Int64
  var sequence: UInt64
  var id: UInt32

  /// Whether this one is due first: the earlier deadline, then the earlier arming.
  @inline(__always)
  func isBefore(_ other: NearTimer) -> Bool {
    deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
  }
}

/// The timers whose tick has been reached, the earliest first: a heap with four children a node.
///
/// Four children make half the levels of two, and fewer nodes to tell where they are now (the
/// heap keeps the ``TimerNode/place`` of each up to date). Capacity doubles and stays.
@safe
struct NearHeap: ~Copyable {
  // SAFETY: `timers` has room for `capacity` and `count` of them are initialized; `nil` when
  // `capacity` is 0.
  private var timers: UnsafeMutablePointer<NearTimer>?
  private var capacity = 0
  private(set) var count = 0

  init() {
    unsafe timers = nil
  }

  deinit {
    unsafe timers?.deallocate()
  }

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  @inline(__always)
  var first: NearTimer? {
    // SAFETY: a count above 0 has allocated.
    isEmpty ? nil : unsafe timers.unsafelyUnwrapped[0]
  }

  /// Adds a timer.
  ///
  /// - Complexity: O(log k) with k in the heap, O(1) for one due after all others.
  mutating func insert(_ timer: NearTimer, _ nodes: borrowing TimerNodes) {
    if count == capacity { grow() }
    count &+= 1
    siftUp(timer, from: count &- 1, nodes)
  }

  /// Removes the timer at `index`, which tells its node nothing.
  ///
  /// - Complexity: O(log k) with k in the heap.
  mutating func remove(at index: Int, _ nodes: borrowing TimerNodes) {
    assert(index < count)
    count &-= 1
    guard index < count else { return }
    // SAFETY: both are below the count that was.
    let heap = unsafe timers.unsafelyUnwrapped
    let removed = unsafe heap[index]
    let last = unsafe heap[count]
    if last.isBefore(removed) {
      siftUp(last, from: index, nodes)
    } else {
      siftDown(last, from: index, nodes)
    }
  }

  /// Puts `timer` at `index` or, where that would be out of order, above it.
  @inline(__always)
  private func siftUp(_ timer: NearTimer, from index: Int, _ nodes: borrowing TimerNodes) {
    // SAFETY: a parent is before its child, and `index` is below `count`.
    let heap = unsafe timers.unsafelyUnwrapped
    var hole = index
    while hole > 0 {
      let parent = (hole &- 1) &>> 2
      guard unsafe timer.isBefore(heap[parent]) else { break }
      unsafe put(heap[parent], at: hole, heap, nodes)
      hole = parent
    }
    unsafe put(timer, at: hole, heap, nodes)
  }

  /// Puts `timer` at `index` or, where that would be out of order, below it.
  @inline(__always)
  private func siftDown(_ timer: NearTimer, from index: Int, _ nodes: borrowing TimerNodes) {
    // SAFETY: no child at or after `count` is read.
    let heap = unsafe timers.unsafelyUnwrapped
    var hole = index
    while true {
      let begin = hole &* 4 &+ 1
      guard begin < count else { break }
      let end = min(begin &+ 4, count)
      var earliest = begin
      var child = begin &+ 1
      while child < end {
        if unsafe heap[child].isBefore(heap[earliest]) { earliest = child }
        child &+= 1
      }
      guard unsafe heap[earliest].isBefore(timer) else { break }
      unsafe put(heap[earliest], at: hole, heap, nodes)
      hole = earliest
    }
    unsafe put(timer, at: hole, heap, nodes)
  }

  @inline(__always)
  private func put(
    _ timer: NearTimer, at index: Int, _ heap: UnsafeMutablePointer<NearTimer>,
    _ nodes: borrowing TimerNodes
  ) {
    // SAFETY: the caller's `index` is below `count`; timers of the heap have nodes.
    unsafe heap[index] = timer
    unsafe nodes[timer.id].pointee.place = TimerNode.nearBase &+ UInt32(truncatingIfNeeded: index)
  }

  @inline(never)
  private mutating func grow() {
    let wanted = max(16, capacity * 2)
    let larger = UnsafeMutablePointer<NearTimer>.allocate(capacity: wanted)
    if let old = unsafe timers {
      unsafe larger.moveInitialize(from: old, count: count)
      unsafe old.deallocate()
    }
    unsafe timers = larger
    capacity = wanted
  }
}
