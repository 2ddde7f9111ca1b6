import MiniAsync

/// The address ranges of all maps of the process, none of which overlap.
///
/// The kernel keeps mapped files apart, but not what ``Map/fromExisting(_:of:granularity:mover:)``
/// is given.
enum MapRegistry {
  // Sorted; no two overlap.
  private static let ranges = Locked<[Range<UInt>]>([])

  /// Enters a range.
  ///
  /// - Throws: ``PMem2Error/mapExists(address:byteCount:)`` if it overlaps one that is there.
  static func add(_ range: Range<UInt>) throws(PMem2Error) {
    let isFree = ranges.withLock { ranges in
      let place = ranges.firstIndex(endingAfter: range.lowerBound)
      guard place == ranges.count || range.upperBound <= ranges[place].lowerBound else {
        return false
      }
      ranges.insert(range, at: place)
      return true
    }
    guard isFree else { throw .mapExists(address: range.lowerBound, byteCount: range.count) }
  }

  /// Takes out a range that was entered.
  static func remove(_ range: Range<UInt>) {
    ranges.withLock { ranges in
      let place = ranges.firstIndex(endingAfter: range.lowerBound)
      precondition(ranges[place] == range, "MapRegistry: the range was not entered")
      ranges.remove(at: place)
    }
  }
}

extension [Range<UInt>] {
  /// The first range that ends after an address.
  fileprivate func firstIndex(endingAfter address: UInt) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle].upperBound > address { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
