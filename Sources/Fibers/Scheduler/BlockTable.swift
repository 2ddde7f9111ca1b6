/// The memory of the control blocks of one runtime, in slabs that never move.
///
/// The first level is a fixed table, so that any thread may find the block of a token while the
/// runtime adds slabs: an entry is written before the first token for it exists, and whoever hands
/// a token to another thread synchronises with it.
///
/// Owned by the ``Door``: freed when the runtime and all tokens are gone.
///
/// @unchecked: entries are written by the owner alone, each once, before anyone else is told of it;
/// `made` is for the owner alone.
@safe
struct BlockTable: ~Copyable, @unchecked Sendable {
  static let slabCount = 4096
  static let blocksPerSlab = 4096
  /// Cache lines of most CPUs are fetched in pairs: a block is one pair.
  static let alignment = 128

  // SAFETY: both are allocated in init, freed in deinit, and never handed out.
  private let slabs: UnsafeMutablePointer<UnsafeMutablePointer<FiberBlock>?>
  private let made: UnsafeMutablePointer<Int>

  init() {
    unsafe slabs = .allocate(capacity: Self.slabCount)
    unsafe slabs.initialize(repeating: nil, count: Self.slabCount)
    unsafe made = .allocate(capacity: 1)
    unsafe made.initialize(to: 0)
  }

  /// Blocks made so far.
  ///
  /// For the thread of the runtime.
  var count: Int { unsafe made.pointee }

  deinit {
    for slab in 0..<Self.slabCount {
      guard let blocks = unsafe slabs[slab] else { break }
      let used = min(Self.blocksPerSlab, count - slab * Self.blocksPerSlab)
      unsafe blocks.deinitialize(count: used)
      unsafe UnsafeMutableRawPointer(blocks).deallocate()
    }
    unsafe slabs.deallocate()
    unsafe made.deallocate()
  }

  /// A block never used before, or `nil` when there are 2^24.
  ///
  /// For the thread of the runtime.
  func makeBlock() -> FiberRef? {
    let count = count
    let slab = count / Self.blocksPerSlab
    guard slab < Self.slabCount else { return nil }
    if unsafe slabs[slab] == nil {
      let bytes = Self.blocksPerSlab * (MemoryLayout<FiberBlock>.stride + MemoryLayout<UInt>.stride)
      #if !FIBERS_SHADOW_STACK
        precondition(MemoryLayout<FiberBlock>.stride == Self.alignment, "FiberBlock: not 128 bytes")
      #endif
      // Untouched pages of a slab cost nothing, so slabs need not start small.
      unsafe slabs[slab] = UnsafeMutableRawPointer.allocate(
        byteCount: bytes, alignment: Self.alignment
      ).assumingMemoryBound(to: FiberBlock.self)
    }
    guard let blocks = unsafe slabs[slab] else { return nil }
    let block = unsafe blocks + count % Self.blocksPerSlab
    unsafe block.initialize(to: FiberBlock(index: UInt32(count)))
    let fiber = unsafe FiberRef(block)
    unsafe Self.sanitizer(of: fiber).initialize(to: nil)
    unsafe made.pointee = count + 1
    return fiber
  }

  /// Where the sanitizer state of `fiber`, a block of a table, is kept.
  static func sanitizer(
    of fiber: FiberRef
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<SanitizerState>?> {
    // SAFETY: a slab has a word for each block behind its last one.
    let place = Int(fiber.index) % blocksPerSlab
    let end = unsafe UnsafeMutableRawPointer(fiber.pointer + (blocksPerSlab - place))
    return unsafe end.assumingMemoryBound(to: UnsafeMutablePointer<SanitizerState>?.self) + place
  }

  /// The block at `index`, which was made before.
  ///
  /// Any thread.
  subscript(index: UInt32) -> FiberRef? {
    let slab = Int(index) / Self.blocksPerSlab
    // SAFETY: a token holds only indices of blocks that were made before it (see above).
    guard slab < Self.slabCount, let blocks = unsafe slabs[slab] else { return nil }
    return unsafe FiberRef(blocks + Int(index) % Self.blocksPerSlab)
  }
}
