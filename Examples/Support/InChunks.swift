import MiniAsync

/// Does something with `byteCount` bytes in chunks, several of which are in flight at any time.
///
/// One future for each chunk, a group that holds a window of them, and a runtime that sleeps until
/// the next one is complete, in whatever order.
///
/// - Parameters:
///   - byteCount: How many bytes there are.
///   - chunkSize: The bytes of one chunk.
///   - window: How many chunks are in flight at once.
///   - start: Makes the future of a chunk, from its offset and its size.
///   - afterEach: Called with the output of each. It ends the work by throwing.
/// - Throws: What `afterEach` throws. Then, too, no operation is left that uses the memory.
@inlinable
package func inChunks<F: Future & ~Copyable, E: Error>(
  _ byteCount: Int, chunkSize: Int, window: Int, start: (Int, Int) -> F,
  afterEach: (F.Output) throws(E) -> Void
) throws(E) {
  let runtime = Runtime()
  var inFlight = FutureGroup<F>(minimumCapacity: window)
  var next = 0
  do throws(E) {
    while next < byteCount || !inFlight.isEmpty {
      // Fill the window; after the first time, that is one chunk for each one that was taken.
      while inFlight.count < window, next < byteCount {
        let count = min(chunkSize, byteCount - next)
        inFlight.add(start(next, count))
        next += count
      }
      guard let done = runtime.next(&inFlight) else { break }
      try afterEach(done.output)
    }
  } catch {
    // The movers may be in the midst of the memory, which the caller is about to unmap.
    runtime.drain(&inFlight)
    throw error
  }
}
