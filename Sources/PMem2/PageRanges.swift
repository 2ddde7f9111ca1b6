/// Ranges of addresses as the fewest ranges of whole pages, so that no page is written twice.
struct PageRanges {
  /// Sorted, apart from each other, whole pages.
  private(set) var merged: [Range<UInt>] = []

  /// Rounds to pages, sorts and merges.
  ///
  /// - Parameters:
  ///   - ranges: In any order; they may overlap; empty ones are left out.
  ///   - pageSize: A power of two.
  /// - Complexity: O(n log n).
  init(_ ranges: some Sequence<Range<UInt>>, pageSize: UInt) {
    let pages = ranges.filter { !$0.isEmpty }.map {
      $0.lowerBound & ~(pageSize - 1)..<$0.upperBound.roundedUp(to: pageSize)
    }
    for range in pages.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
  }
}
