/// Elements with fixed addresses that are reached by index, in chunks that double in size.
///
/// For what other threads reach by an index they were given: it grows without moving anything.
/// One thread grows it at a time; an index may be used by any thread that learned of it, by some
/// synchronisation, after the growth.
@safe
@usableFromInline
package struct ChunkedStorage<Element: ~Copyable>: ~Copyable {
  // Behind a pointer, so that growing changes no stored property: an access to one would be
  // checked for exclusivity, at each use of an index.
  @usableFromInline let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>
  private let grown: UnsafeMutablePointer<Int>

  @inlinable static var firstChunk: Int { 32 }
  private static var maximumChunks: Int { 27 }
  /// The most elements there can be: as many as 32 bits can tell apart.
  package static var maximumCount: Int { firstChunk << maximumChunks - firstChunk }

  /// Makes an empty storage.
  package init() {
    unsafe chunks = .allocate(capacity: Self.maximumChunks)
    unsafe chunks.initialize(repeating: nil, count: Self.maximumChunks)
    unsafe grown = .allocate(capacity: 1)
    unsafe grown.initialize(to: 0)
  }

  /// Frees everything; the owner calls this last, from its own `deinit`.
  ///
  /// Not a `deinit` here: Swift 6.3.1 skips that of a generic non-copyable struct in optimised
  /// code that destroys it by its type's value witness.
  package func deallocate() {
    var number = 0
    while number < Self.maximumChunks, let chunk = unsafe chunks[number] {
      unsafe chunk.deinitialize(count: Self.firstChunk << number)
      unsafe chunk.deallocate()
      number += 1
    }
    unsafe chunks.deallocate()
    unsafe grown.deallocate()
  }

  /// The number of elements.
  package var count: Int { unsafe grown.pointee }

  /// Adds chunks until there are `wanted` elements or more.
  ///
  /// - Parameters:
  ///   - wanted: How many there shall be at least.
  ///   - make: Makes the element of the index it is given.
  package func grow(to wanted: Int, _ make: (Int) -> Element) {
    precondition(wanted <= Self.maximumCount, "ChunkedStorage: more than 4 billion elements")
    while count < wanted {
      // Chunk k begins at index (firstChunk << k) - firstChunk, which is where `count` stands.
      let begin = count
      let size = begin + Self.firstChunk
      let chunk = UnsafeMutablePointer<Element>.allocate(capacity: size)
      for offset in 0..<size { unsafe (chunk + offset).initialize(to: make(begin + offset)) }
      unsafe chunks[Self.place(of: begin).chunk] = unsafe chunk
      unsafe grown.pointee = begin + size
    }
  }

  @inlinable
  @inline(__always)
  static func place(of index: Int) -> (chunk: Int, offset: Int) {
    // Adding firstChunk makes the highest bit tell the chunk.
    let shifted = UInt32(truncatingIfNeeded: index &+ firstChunk)
    let chunk = 26 &- shifted.leadingZeroBitCount
    return (chunk, Int(shifted) &- firstChunk &<< chunk)
  }

  /// The element of `index`, which must be less than ``count``.
  ///
  /// Its address never changes.
  @inlinable
  package subscript(pointer index: Int) -> UnsafeMutablePointer<Element> {
    @inline(__always)
    get {
      let (chunk, offset) = Self.place(of: index)
      // SAFETY: `grow` has filled the table up to the chunk of every index below `count`.
      return unsafe chunks[chunk].unsafelyUnwrapped + offset
    }
  }
}
