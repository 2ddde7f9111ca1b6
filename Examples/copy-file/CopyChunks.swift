import MiniAsync
import VDM

/// How to cut a copy into operations.
struct CopyPlan {
  /// The bytes of one operation.
  var chunkSize: Int
  /// How many operations are in flight at once.
  var window: Int
  /// What is asked of the mover.
  var flags: OperationFlags
}

/// Copies `source` to `destination` in chunks, several of which are in flight at any time.
///
/// This is what the example is about: one future for each chunk, a group that holds a window of
/// them, and a runtime that sleeps until the next one is complete, in whatever order.
///
/// - Parameters:
///   - source: What to copy.
///   - destination: Where to; as long as the source.
///   - mover: Who copies.
///   - plan: How.
///   - afterEach: Called with the number of bytes after each chunk. It ends the copy by throwing.
/// - Throws: What `afterEach` throws, or what a mover has failed with. Then, too, no operation is
///   left that still uses the memory.
func copyChunks<Mover: DataMover>(
  from source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer,
  with mover: Mover, _ plan: CopyPlan, afterEach: (Int) throws(CopyError) -> Void
) throws(CopyError) {
  guard let from = source.baseAddress, let to = destination.baseAddress else { return }
  func byteCount(at offset: Int) -> Int { min(plan.chunkSize, source.count - offset) }

  let runtime = Runtime()
  var inFlight = FutureGroup<OperationFuture<Mover>>(minimumCapacity: plan.window)
  var next = 0
  do throws(CopyError) {
    while next < source.count || !inFlight.isEmpty {
      // Fill the window; after the first time, that is one chunk for each one that was taken.
      while inFlight.count < plan.window, next < source.count {
        inFlight.add(
          mover.memcpy(
            to: to + next, from: from + next, byteCount: byteCount(at: next), flags: plan.flags))
        next += byteCount(at: next)
      }
      guard let done = runtime.next(&inFlight) else { break }
      try check(done.output)
      try afterEach(byteCount(at: done.output.destination - UnsafeMutableRawPointer(to)))
    }
  } catch {
    // The workers may be in the midst of the memory, which the caller is about to unmap.
    inFlight.cancelAll()
    while runtime.next(&inFlight) != nil {}
    throw error
  }
}

private func check(_ output: OperationOutput) throws(CopyError) {
  if let error = output.error { throw .failed("the mover has failed: \(error)") }
}
