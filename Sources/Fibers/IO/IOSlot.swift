/// What a runtime knows about one registered descriptor.
///
/// Slots stay where they are and are used again; the generation tells the uses apart, so that an
/// event for a former descriptor, or a reference to it, is known as stale.
///
/// Owned by the thread of the runtime.
@safe
struct IOSlot: ~Copyable {
  enum Kind: UInt8 {
    /// epoll tells when it is ready.
    case pollable
    /// The same, and it is a socket: of packets, or one that may bring descriptors along.
    case socket
    /// The same, and it is a TCP connection: a read that takes less than it could has taken all.
    case stream
    /// Calls block: helper threads make them.
    case blocking

    var isSocket: Bool { self == .socket || self == .stream }
  }

  /// One cache line each.
  static let stride = 64

  let index: UInt32
  /// Changes when the handle is closed.
  var generation: UInt32 = 0
  var descriptor: Int32 = -1
  var kind = Kind.pollable
  /// Whether epoll knows it: from the first wait on.
  var isRegistered = false
  /// Whether the last read took all there was, and nothing was heard since.
  var isDrained = false
  /// Whether only a read can tell if there is anything: the other side has said that it ends (told
  /// once, and read like bytes), or has sent urgent data, at which reads stop short.
  var asksFirst = false
  /// Who waits; parked, or about to notice that it waits no more.
  var reader: FiberRef?
  var writer: FiberRef?
  /// Calls that helper threads are making.
  var callsElsewhere: Int32 = 0
  /// Closed meanwhile: to be closed by the last of those calls.
  var closesLater = false
  var nextFree: UnsafeMutablePointer<IOSlot>?

  init(index: UInt32) { self.index = index }
}

/// The slots of a runtime, in chunks that never move.
@safe
struct IOSlotTable: ~Copyable {
  private static let chunkSize = 256

  // SAFETY: allocated here, freed in deinit; handed out by address while the table is there, which
  // the handles see to by holding on to the loop.
  private var chunks: [UnsafeMutableRawPointer] = unsafe []
  private var made = 0
  private var free: UnsafeMutablePointer<IOSlot>?

  deinit {
    for number in unsafe chunks.indices {
      for place in 0..<min(Self.chunkSize, made - number * Self.chunkSize) {
        unsafe slot(place, of: chunks[number]).deinitialize(count: 1)
      }
      unsafe chunks[number].deallocate()
    }
  }

  /// A slot that no descriptor has.
  mutating func take() -> UnsafeMutablePointer<IOSlot> {
    if let slot = unsafe free {
      unsafe free = slot.pointee.nextFree
      return unsafe slot
    }
    if unsafe made == chunks.count * Self.chunkSize {
      precondition(MemoryLayout<IOSlot>.size <= IOSlot.stride, "IOSlot: more than a cache line")
      unsafe chunks.append(
        .allocate(byteCount: Self.chunkSize * IOSlot.stride, alignment: IOSlot.stride))
    }
    let slot = unsafe slot(made % Self.chunkSize, of: chunks[made / Self.chunkSize])
    unsafe slot.initialize(to: IOSlot(index: UInt32(made)))
    made += 1
    return unsafe slot
  }

  /// Takes a slot back.
  mutating func give(_ slot: UnsafeMutablePointer<IOSlot>) {
    unsafe slot.pointee.nextFree = free
    unsafe free = slot
  }

  /// The slot at `index`, if there is one.
  subscript(index: UInt32) -> UnsafeMutablePointer<IOSlot>? {
    guard index < made else { return nil }
    return unsafe slot(Int(index) % Self.chunkSize, of: chunks[Int(index) / Self.chunkSize])
  }

  @inline(__always)
  private func slot(
    _ place: Int, of chunk: UnsafeMutableRawPointer
  ) -> UnsafeMutablePointer<IOSlot> {
    // SAFETY: a chunk has room for so many slots at this stride.
    unsafe (chunk + place * IOSlot.stride).assumingMemoryBound(to: IOSlot.self)
  }
}
