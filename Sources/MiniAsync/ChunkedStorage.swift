/// Elements with fixed addresses that are reached by index, in chunks that double in size.
///
/// For what other threads reach by an index they were given: it grows without moving anything.
/// One thread grows it at a time; an index may be used by any thread that learned of it, by some
/// synchronisation, after the growth.
@safe
package struct ChunkedStorage<Element: ~Copyable>: ~Copyable {
  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>
  /// The number of elements.
  package private(set) var count = 0

  private static var firstChunk: Int { 32 }
  private static var maximumChunks: Int { 27 }
  /// More than an index of 32 bits can tell apart.
  package static var maximumCount: Int { firstChunk << maximumChunks - firstChunk }

  /// Makes an empty storage.
  package init() {
    unsafe chunks = .allocate(capacity: Self.maximumChunks)
    unsafe chunks.initialize(repeating: nil, count: Self.maximumChunks)
  }

  deinit {
    var left = count
    var number = 0
    while left > 0, let chunk = unsafe chunks[number] {
      let size = Self.firstChunk << number
      unsafe chunk.deinitialize(count: size)
      unsafe chunk.deallocate()
      left -= size
      number += 1
    }
    unsafe chunks.deallocate()
  }

  /// Adds chunks until there are `wanted` elements or more.
  ///
  /// - Parameter make: Makes the element of the index it is given.
  package mutating func grow(to wanted: Int, _ make: (Int) -> Element) {
    precondition(wanted <= Self.maximumCount, "ChunkedStorage: more than 4 billion elements")
    while count < wanted {
      // Chunk k begins at index (firstChunk << k) - firstChunk, which is where `count` stands.
      let size = count + Self.firstChunk
      let chunk = UnsafeMutablePointer<Element>.allocate(capacity: size)
      for offset in 0..<size { unsafe (chunk + offset).initialize(to: make(count + offset)) }
      unsafe chunks[Self.chunk(of: count)] = unsafe chunk
      count += size
    }
  }

  private static func chunk(of index: Int) -> Int {
    // Adding firstChunk makes the highest bit tell the chunk.
    (index + firstChunk).bitWidth - 1 - (index + firstChunk).leadingZeroBitCount
      - firstChunk.trailingZeroBitCount
  }

  /// The element of `index`, which must be less than ``count``.
  ///
  /// Its address never changes.
  package subscript(pointer index: Int) -> UnsafeMutablePointer<Element> {
    let number = Self.chunk(of: index)
    // SAFETY: `grow` has filled the table up to the chunk of every index below `count`.
    return unsafe chunks[number].unsafelyUnwrapped
      + (index + Self.firstChunk - Self.firstChunk << number)
  }
}
