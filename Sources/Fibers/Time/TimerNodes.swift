/// The timer of one fiber: 32 bytes, so that two share a cache line and none crosses one.
struct TimerNode {
  /// When it is due.
  var deadline: Int64 = 0
  /// Which arming this is, of all of its wheel.
  ///
  /// 64 bits never wrap. 32 bits would within a minute of arming and disarming, and a timer
  /// armed before that would lose its turn.
  var sequence: UInt64 = 0
  /// The neighbours in the list of its slot, or ``none``.
  ///
  /// For a timer in a slot only.
  var previous = Self.none
  var next = Self.none
  /// Where it is: a slot, the near heap from ``nearBase`` on, or ``unarmed``.
  var place = Self.unarmed

  /// No timer: the end of a list.
  static let none = UInt32.max
  /// The place of a timer that is nowhere.
  static let unarmed = UInt32.max
  /// The first place in the near heap: the places below are the slots.
  static let nearBase: UInt32 = 512

  @inline(__always)
  var isArmed: Bool { place != Self.unarmed }
}

/// The nodes of all ids, in chunks that never move.
///
/// A chunk is made when one of its ids is armed for the first time; the table of chunks doubles.
@safe
struct TimerNodes: ~Copyable {
  private static let chunkBits: UInt32 = 10
  private static let chunkCount = 1 << Int(chunkBits)
  private static let maximumIDs: UInt32 = 1 << 24

  // SAFETY: `chunks` has `capacity` entries, all initialized; `nil` when `capacity` is 0. A chunk
  // is initialized whole when it is made, and freed in deinit only.
  private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<TimerNode>?>?
  private var capacity = 0

  init() {
    unsafe chunks = nil
  }

  deinit {
    guard let chunks = unsafe chunks else { return }
    for number in 0..<capacity {
      if let nodes = unsafe chunks[number] { unsafe UnsafeMutableRawPointer(nodes).deallocate() }
    }
    unsafe chunks.deallocate()
  }

  /// The node of an id that was armed before.
  @inline(__always)
  subscript(id: UInt32) -> UnsafeMutablePointer<TimerNode> {
    // SAFETY: lists and heap hold only ids whose node was made by `make`.
    unsafe chunks.unsafelyUnwrapped[Int(id &>> Self.chunkBits)].unsafelyUnwrapped
      + Self.offset(of: id)
  }

  /// The node of any id, or `nil` when there is none yet.
  @inline(__always)
  func find(_ id: UInt32) -> UnsafeMutablePointer<TimerNode>? {
    let number = Int(id &>> Self.chunkBits)
    // SAFETY: `chunks` is there when `capacity` is above 0, and has that many entries.
    guard number < capacity, let nodes = unsafe chunks.unsafelyUnwrapped[number] else { return nil }
    return unsafe nodes + Self.offset(of: id)
  }

  @inline(__always)
  private static func offset(of id: UInt32) -> Int { Int(id) & (chunkCount &- 1) }

  /// The node of any id; makes its chunk when there is none.
  @inline(never)
  mutating func make(_ id: UInt32) -> UnsafeMutablePointer<TimerNode> {
    precondition(
      id < Self.maximumIDs, "TimerWheel: an id of 2^24 or more; use the index of a control block")
    let number = Int(id &>> Self.chunkBits)
    if number >= capacity { growTable(beyond: number) }
    // SAFETY: the table has more than `number` entries now.
    let entry = unsafe chunks.unsafelyUnwrapped + number
    if unsafe entry.pointee == nil {
      let nodes = unsafe UnsafeMutableRawPointer.allocate(
        byteCount: Self.chunkCount * MemoryLayout<TimerNode>.stride, alignment: 64
      ).bindMemory(to: TimerNode.self, capacity: Self.chunkCount)
      unsafe nodes.initialize(repeating: TimerNode(), count: Self.chunkCount)
      unsafe entry.pointee = unsafe nodes
    }
    return unsafe self[id]
  }

  private mutating func growTable(beyond number: Int) {
    var wanted = max(capacity, 8)
    while wanted <= number { wanted *= 2 }
    let table = UnsafeMutablePointer<UnsafeMutablePointer<TimerNode>?>.allocate(capacity: wanted)
    unsafe table.initialize(repeating: nil, count: wanted)
    if let old = unsafe chunks {
      unsafe table.update(from: old, count: capacity)
      unsafe old.deallocate()
    }
    unsafe chunks = table
    capacity = wanted
  }
}
