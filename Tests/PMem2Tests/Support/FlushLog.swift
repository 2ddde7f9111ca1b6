import TestSupport
import VDM

@testable import PMem2

/// A CPU that writes down what it is asked to flush.
enum FlushLog {
  /// A flushed range, by its offset in a map.
  struct Flush: Equatable {
    var offset: Int
    var byteCount: Int
  }

  // Of all maps: tests run at the same time.
  private static let flushes = Guarded<[(start: UInt, byteCount: Int)]>([])

  /// Stores normally, and writes down flushes.
  static let memory = NativeMemory(flushingWith: { start, byteCount in
    FlushLog.flushes.withLock { $0.append((UInt(bitPattern: start), byteCount)) }
  })

  /// What was flushed in a map since the last call.
  static func take(_ map: Map) -> [Flush] {
    let start = UInt(bitPattern: map.address)
    let range = start..<start + UInt(map.byteCount)
    return flushes.withLock { flushes in
      let found = flushes.filter { range.contains($0.start) }
      flushes.removeAll { range.contains($0.start) }
      return found.map { Flush(offset: Int($0.start - start), byteCount: $0.byteCount) }
    }
  }
}
