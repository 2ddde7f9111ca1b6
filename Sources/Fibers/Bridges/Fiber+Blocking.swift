extension Fiber where Success == Never, Failure == Never {
  /// Runs a call that blocks on a helper thread, while this thread runs other fibers.
  ///
  /// For system calls without a non-blocking form, for long computations, for foreign code that
  /// waits. The runtime starts its helper threads when they are first needed, up to
  /// ``FiberRuntime/Configuration/blockingThreads``; calls beyond that wait their turn, first come
  /// first served.
  ///
  ///     let text = try Fiber.blocking { try readWholeFile(path) }
  ///
  /// The wait is not cut short: what `body` uses of the fiber stays in place until it returns. A
  /// cancellation meanwhile, or before, stays pending for the fiber's next suspension.
  ///
  /// `errno` and thread-locals in `body` are those of the helper thread.
  /// If the system refuses even the first helper thread, `body` runs on the fiber's own.
  ///
  /// - Parameter body: What to do; it may use the fiber's memory. It must not use fibers.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  /// - Precondition: Called by a fiber.
  /// - Complexity: A few allocations, and two wake-ups of a thread if both sleep.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @discardableResult
  public static func blocking<Value: Sendable, Problem: Error>(
    _ body: @Sendable () throws(Problem) -> Value
  ) throws(Problem) -> Value {
    // SAFETY: the closure is `Sendable` and so are its results.
    try unsafe unsafeBlocking(body)
  }

  /// The same for a closure that is not `Sendable`.
  ///
  /// For reads into raw buffers and the like.
  ///
  /// - Parameter body: Runs on another thread while the fiber waits. So the fiber itself touches
  ///   nothing meanwhile; the caller proves that no other fiber and no other thread touches what
  ///   `body` captures, and that its result may cross threads.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @unsafe
  @discardableResult
  package static func unsafeBlocking<Value, Problem: Error>(
    _ body: () throws(Problem) -> Value
  ) throws(Problem) -> Value {
    let threads = fiberScheduler("Fiber.blocking").blockingThreads
    var result: Result<Value, Problem>?
    let call: () -> Void = {
      do throws(Problem) {
        result = .success(try body())
      } catch {
        result = .failure(error)
      }
    }
    threads.run(call)
    guard let result else { preconditionFailure("Fiber.blocking: the helper left no result") }
    return try result.get()
  }
}

extension BlockingThreads {
  /// Has `body` called by a helper thread; the running fiber is parked until it has returned.
  fileprivate func run(_ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
      // SAFETY: the helper lets go of the closure before it wakes the fiber, and the fiber does
      // not leave before it was woken: nothing ends a park inside a shield but the wake. The wake
      // hands over what the helper wrote (Door.endWait).
      let job = unsafe BlockingJob(body)
      Fiber.shield {
        do throws(FiberCancelled) {
          try Fiber.fiberScheduler("Fiber.blocking").parkExternally(as: .blocking) { door, token in
            job.whenDone(door, token)
            if submit(job) { return }
            job.call()
            job.wake()
          }
        } catch {
          misuse("Fiber.blocking: a wait inside a shield was cut short")
        }
      }
    }
  }
}

extension Scheduler {
  /// Not the runtime itself: a parked fiber must not keep its runtime alive.
  fileprivate var blockingThreads: BlockingThreads {
    guard let runtime else { preconditionFailure("Scheduler: a fiber outlives its runtime") }
    return runtime.blockingThreads
  }
}
