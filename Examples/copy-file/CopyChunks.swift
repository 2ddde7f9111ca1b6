import ExampleSupport
import PMem2
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
/// - Parameters:
///   - source: What to copy.
///   - destination: Where to; as long as the source.
///   - mover: Who copies.
///   - plan: How.
///   - afterEach: Called with the number of bytes after each chunk. It ends the copy by throwing.
/// - Throws: What `afterEach` throws, or what a mover has failed with. Then, too, no operation is
///   left that still uses the memory.
func copyChunks(
  from source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer,
  with mover: some DataMover, _ plan: CopyPlan, afterEach: (Int) throws(CopyError) -> Void
) throws(CopyError) {
  guard let from = source.baseAddress, let to = destination.baseAddress else { return }
  try inChunks(
    source.count, chunkSize: plan.chunkSize, window: plan.window,
    start: { offset, byteCount in
      mover.memcpy(
        to: to + offset, from: from + offset, byteCount: byteCount, flags: plan.flags)
    },
    afterEach: { output throws(CopyError) in
      if let error = output.error { throw .failed("the mover has failed: \(error)") }
      try afterEach(output.byteCount)
    })
}

/// Copies `source` to the beginning of `map`, as above; each chunk is durable when it is complete.
func copyChunks(
  from source: UnsafeRawBufferPointer, to map: Map, _ plan: CopyPlan,
  afterEach: (Int) throws(CopyError) -> Void
) throws(CopyError) {
  guard let from = source.baseAddress else { return }
  try inChunks(
    source.count, chunkSize: plan.chunkSize, window: plan.window,
    start: { offset, byteCount in
      map.memcpyAsync(
        to: map.address + offset, from: from + offset, byteCount: byteCount, flags: plan.flags)
    },
    afterEach: { output throws(CopyError) in
      if let error = output.error { throw .failed("cannot write the copy: \(error)") }
      try afterEach(output.byteCount)
    })
}
