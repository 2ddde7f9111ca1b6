/// The door of a runtime for other threads: spawn a fiber there, end its `serve()`.
///
/// With ``FiberWaker`` the only part of a runtime that is `Sendable`.
public struct FiberRemote: Sendable {
  let door: Door

  init(_ door: Door) { self.door = door }

  /// Spawns a fiber on the runtime's thread.
  ///
  /// It starts within a bounded number of turns while the runtime runs, else at its next run. Order
  /// is kept between spawns of one thread. When the runtime is full, it waits for room.
  ///
  /// - Parameters:
  ///   - name: For reports.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What the fiber does.
  /// - Throws: ``FiberError/runtimeClosed`` when the runtime was shut down. A spawn that races with
  ///   the shutdown may be dropped, its closure released without being called.
  /// - Complexity: O(1), three allocations beside the closure's; at most one system call.
  public func spawn(
    name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line,
    _ body: @escaping @Sendable () -> Void
  ) throws(FiberError) {
    let site = SpawnSite(file: file, line: line)
    let request = SpawnRequest { scheduler in
      FiberEntry<Void, Never>.makeObject(scheduler: scheduler, name: name, site: site, body: body)
    }
    guard door.leave(.spawn(request)) else { throw .runtimeClosed }
  }

  /// Lets ``FiberRuntime/serve()`` return when its fibers have ended or wait for each other.
  public func stop() { door.stop() }
}
