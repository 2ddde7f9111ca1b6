// The waits. All of them run `WaitEngine`; they differ in where the futures are.

extension WaitEngine {
  /// Waits until all futures below `count` are complete.
  @inlinable
  @inline(__always)
  mutating func run(
    count: Int, isAsync: (Int) -> Bool, _ body: (Int, inout Notifier) -> FutureState
  ) {
    var remaining = count - start(count: count, isAsync: isAsync, body)
    while remaining > 0 {
      let completed = pollReady(isAsync: isAsync, body)
      remaining -= completed
      if completed == 0 { idle() }
    }
  }
}

extension Runtime {
  /// Waits until `future` is complete.
  ///
  /// Returns at once if it is already. Blocks the calling thread, which sleeps while nothing can
  /// progress. Allocates nothing once the runtime is warm.
  ///
  /// - Returns: The future's output, which stays readable in the future as well.
  ///
  /// Corresponds to C's `runtime_wait`.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await value()")
  @discardableResult
  public func wait<F: Future & ~Copyable>(_ future: inout F) -> F.Output {
    while true {
      if case .complete(let output) = future.progress { return output }
      let box = takeEngine()
      unsafe withUnsafeMutablePointer(to: &future) { pointer in
        unsafe box.engine.run(count: 1, isAsync: { _ in false }) { _, notifier in
          unsafe pointer.pointee.poll(&notifier)
        }
      }
      giveBack(box, count: 1)
    }
  }

  /// Waits until all `futures` are complete.
  ///
  /// Asynchronous futures are polled first, so that their work overlaps with that of the others;
  /// futures that are complete already count as done. The cost per poll and per wake does not
  /// depend on how many there are.
  ///
  /// Corresponds to C's `runtime_wait_multiple`.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await AllOf(...).value()")
  public func waitMultiple<F: Future>(_ futures: inout [F]) {
    unsafe futures.withUnsafeMutableBufferPointer { unsafe waitMultiple(unsafe: $0) }
  }

  /// Waits until all `futures` are complete; for non-copyable ones, which no array can hold.
  ///
  /// As for arrays.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await AllOf(...).value()")
  public func waitMultiple<F: Future & ~Copyable>(_ futures: inout MutableSpan<F>) {
    unsafe futures.withUnsafeMutableBufferPointer { unsafe waitMultiple(unsafe: $0) }
  }

  /// Waits until all futures in a buffer are complete.
  ///
  /// As for arrays. The buffer must be initialised, and no one else may touch it meanwhile.
  @unsafe
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await AllOf(...).value()")
  public func waitMultiple<F: Future & ~Copyable>(unsafe futures: UnsafeMutableBufferPointer<F>) {
    guard let base = futures.baseAddress else { return }
    let count = futures.count
    let box = takeEngine()
    // SAFETY: every index is below `count`, and the caller lends the whole buffer.
    unsafe box.engine.run(count: count, isAsync: { unsafe base[$0].hasProperty(.async) }) {
      index, notifier in
      unsafe base[index].poll(&notifier)
    }
    giveBack(box, count: count)
  }

  /// Waits until two futures, of any types, are complete.
  ///
  /// As for arrays.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await a.and(b).value()")
  public func waitMultiple<
    A: Future & ~Copyable, B: Future & ~Copyable
  >(_ a: inout A, _ b: inout B) {
    unsafe withUnsafeMutablePointer(to: &a) { a in
      unsafe withUnsafeMutablePointer(to: &b) { b in
        runAll(2) { index in
          switch index {
          case 0: unsafe a.pointee.hasProperty(.async)
          default: unsafe b.pointee.hasProperty(.async)
          }
        } poll: { index, notifier in
          switch index {
          case 0: unsafe a.pointee.poll(&notifier)
          default: unsafe b.pointee.poll(&notifier)
          }
        }
      }
    }
  }

  /// Waits until three futures, of any types, are complete.
  ///
  /// As for arrays.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await a.and(b).value()")
  public func waitMultiple<
    A: Future & ~Copyable, B: Future & ~Copyable, C: Future & ~Copyable
  >(_ a: inout A, _ b: inout B, _ c: inout C) {
    unsafe withUnsafeMutablePointer(to: &a) { a in
      unsafe withUnsafeMutablePointer(to: &b) { b in
        unsafe withUnsafeMutablePointer(to: &c) { c in
          runAll(3) { index in
            switch index {
            case 0: unsafe a.pointee.hasProperty(.async)
            case 1: unsafe b.pointee.hasProperty(.async)
            default: unsafe c.pointee.hasProperty(.async)
            }
          } poll: { index, notifier in
            switch index {
            case 0: unsafe a.pointee.poll(&notifier)
            case 1: unsafe b.pointee.poll(&notifier)
            default: unsafe c.pointee.poll(&notifier)
            }
          }
        }
      }
    }
  }

  /// Waits until four futures, of any types, are complete.
  ///
  /// As for arrays.
  ///
  /// For more, use a ``FutureGroup`` of ``AnyFuture``.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await a.and(b).value()")
  public func waitMultiple<
    A: Future & ~Copyable, B: Future & ~Copyable, C: Future & ~Copyable, D: Future & ~Copyable
  >(_ a: inout A, _ b: inout B, _ c: inout C, _ d: inout D) {
    unsafe withUnsafeMutablePointer(to: &a) { a in
      unsafe withUnsafeMutablePointer(to: &b) { b in
        unsafe withUnsafeMutablePointer(to: &c) { c in
          unsafe withUnsafeMutablePointer(to: &d) { d in
            runAll(4) { index in
              switch index {
              case 0: unsafe a.pointee.hasProperty(.async)
              case 1: unsafe b.pointee.hasProperty(.async)
              case 2: unsafe c.pointee.hasProperty(.async)
              default: unsafe d.pointee.hasProperty(.async)
              }
            } poll: { index, notifier in
              switch index {
              case 0: unsafe a.pointee.poll(&notifier)
              case 1: unsafe b.pointee.poll(&notifier)
              case 2: unsafe c.pointee.poll(&notifier)
              default: unsafe d.pointee.poll(&notifier)
              }
            }
          }
        }
      }
    }
  }

  /// Waits until the next future of `group` is complete, and takes it out of the group.
  ///
  /// Whatever else the group holds goes on meanwhile, and may be waited for by the next call: so
  /// a window of operations is kept in flight by adding one for each one taken.
  ///
  /// - Returns: What has completed, in the order of completion; `nil` if the group is empty.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await group.next()")
  public func next<F: Future & ~Copyable>(
    _ group: inout FutureGroup<F>
  ) -> FutureGroup<F>.Completion? {
    if let completion = group.takeCompleted() { return completion }
    if group.isEmpty { return nil }
    let box = takeEngine()
    unsafe withUnsafeMutablePointer(to: &group) { pointer in
      unsafe box.engine.run(count: 1, isAsync: { _ in false }) { _, notifier in
        unsafe pointer.pointee.poll(&notifier) ? .complete : .running
      }
    }
    giveBack(box, count: 1)
    return group.takeCompleted()
  }

  /// Cancels all futures of `group` and waits until none is left.
  ///
  /// For leaving early while futures of the group still use something that is about to go, such as
  /// memory that a data mover is copying. Their outputs are dropped.
  @inlinable
  @available(*, noasync, message: "waiting blocks a cooperative thread: await group.next()")
  public func drain<F: Future & ~Copyable>(_ group: inout FutureGroup<F>) {
    group.cancelAll()
    while next(&group) != nil {}
  }

  /// Waits for `count` futures that the closures know by index.
  @inlinable
  @inline(__always)
  func runAll(
    _ count: Int, isAsync: (Int) -> Bool, poll: (Int, inout Notifier) -> FutureState
  ) {
    let box = takeEngine()
    unsafe box.engine.run(count: count, isAsync: isAsync, poll)
    giveBack(box, count: count)
  }
}
