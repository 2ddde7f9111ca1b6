import VDM

/// A copy or fill of a map's bytes, before it is given to a mover.
@safe
struct Request {
  let kind: OperationKind
  let destination: UnsafeMutableRawPointer
  /// Where a copy reads; else the destination.
  let source: UnsafeRawPointer
  /// What a fill writes.
  let value: UInt8
  let byteCount: Int

  init(
    _ kind: OperationKind, to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer,
    value: UInt8 = 0, byteCount: Int
  ) {
    self.kind = kind
    unsafe self.destination = unsafe destination
    unsafe self.source = unsafe source
    self.value = value
    self.byteCount = byteCount
  }

  /// Whether the source and the destination have bytes in common.
  var overlaps: Bool {
    let to = unsafe UInt(bitPattern: destination)
    let from = unsafe UInt(bitPattern: source)
    return (to > from ? to - from : from - to) < UInt(bitPattern: max(byteCount, 0))
  }

  /// The mover's future of it; a complete one if the mover refuses.
  func makeFuture(_ mover: MapMover, _ flags: OperationFlags) -> OperationFuture<MapMover> {
    switch kind {
    case .memcpy:
      unsafe mover.memcpy(to: destination, from: source, byteCount: byteCount, flags: flags)
    case .memmove:
      unsafe mover.memmove(to: destination, from: source, byteCount: byteCount, flags: flags)
    case .memset:
      unsafe mover.memset(destination, to: value, byteCount: byteCount, flags: flags)
    case .flush:
      unsafe mover.flush(destination, byteCount: byteCount)
    }
  }

  /// Does it on this thread; with flags, a drain must follow.
  @unsafe
  func perform(_ memory: NativeMemory, _ flags: OperationFlags) {
    switch kind {
    case .memcpy:
      unsafe memory.copy(to: destination, from: source, byteCount: byteCount, flags: flags)
    case .memmove:
      unsafe memory.move(to: destination, from: source, byteCount: byteCount, flags: flags)
    case .memset:
      unsafe memory.set(destination, to: value, byteCount: byteCount, flags: flags)
    case .flush:
      unsafe memory.flush(destination, byteCount: byteCount)
    }
  }
}

// @unchecked: it only names memory; that the mover may touch it is what its maker answers for.
extension Request: @unchecked Sendable {}
