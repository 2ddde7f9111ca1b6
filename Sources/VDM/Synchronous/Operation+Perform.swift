extension Operation {
  /// Does the operation with the CPU's own instructions, on this thread.
  ///
  /// With flags, and for a flush, a drain must follow before completion is published.
  @unsafe
  package func perform(with memory: NativeMemory = .best) {
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

  /// Does the operation natively, with the drain, if one is needed.
  @unsafe
  @usableFromInline
  func performAndDrain() {
    unsafe perform()
    if needsDrain { NativeMemory.best.drain() }
  }

  /// Whether completion may be published only after a drain.
  var needsDrain: Bool { kind == .flush || !flags.isEmpty }

  /// The same operation with other flags.
  package func with(flags: OperationFlags) -> Operation {
    unsafe Operation(
      kind, to: destination, from: source, value: value, byteCount: byteCount, flags: flags)
  }

  /// The part of the operation that begins at `offset`.
  func part(at offset: Int, byteCount: Int) -> Operation {
    unsafe Operation(
      kind, to: destination + offset, from: source + offset, value: value, byteCount: byteCount,
      flags: flags)
  }
}
