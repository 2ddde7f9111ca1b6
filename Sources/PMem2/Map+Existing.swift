public import VDM

extension Map {
  /// Makes a map of memory that was mapped by other means.
  ///
  /// The memory is borrowed: it stays valid as long as the map and its futures, and is not
  /// unmapped with it. That the granularity is right is the caller's word.
  ///
  /// - Parameters:
  ///   - bytes: The memory; it may be read and written.
  ///   - source: What was mapped there, which decides about deep flushes.
  ///   - granularity: What makes stores durable there.
  ///   - mover: What does the asynchronous operations; `nil` for the calling thread.
  /// - Returns: The map.
  /// - Throws: ``PMem2Error/mapExists(address:byteCount:)`` if a map has one of the bytes;
  ///   ``PMem2Error/sourceEmpty`` for no bytes; ``PMem2Error/notSupported(_:)``.
  ///
  /// Corresponds to C's `pmem2_map_from_existing`.
  @unsafe
  public static func fromExisting(
    _ bytes: UnsafeMutableRawBufferPointer, of source: borrowing Source,
    granularity: Granularity, mover: (any DataMover)? = nil
  ) throws(PMem2Error) -> Map {
    guard let start = bytes.baseAddress, bytes.count > 0 else { throw .sourceEmpty }
    return unsafe try Map(
      start, bytes.count, granularity, source, [.read, .write], mover, ownsMemory: false)
  }
}
