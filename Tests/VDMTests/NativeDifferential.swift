import Glibc
import Testing
import VDM

/// Runs operations of a ``NativeMemory`` beside libc's, on two equal buffers, and compares all of
/// both: what was written, and the bytes around it.
///
/// Raw pointers throughout: the sweeps make millions of operations, in debug builds under
/// sanitizers too. Failures are counted, and the first is kept, instead of checked one by one.
final class NativeDifferential {
  let memory: NativeMemory
  let flags: OperationFlags
  let byteCount: Int
  private let actual: UnsafeMutableRawPointer
  private let expected: UnsafeMutableRawPointer
  private let pristine: UnsafeMutableRawPointer
  private(set) var failureCount = 0
  private(set) var firstFailure = "none"

  init(_ memory: NativeMemory, _ flags: OperationFlags, byteCount: Int) {
    self.memory = memory
    self.flags = flags
    self.byteCount = byteCount
    actual = .allocate(byteCount: byteCount, alignment: 4096)
    expected = .allocate(byteCount: byteCount, alignment: 4096)
    pristine = .allocate(byteCount: byteCount, alignment: 4096)
    // No two neighbouring words are alike, so a byte in the wrong place shows.
    for i in 0..<byteCount {
      pristine.storeBytes(
        of: UInt8(truncatingIfNeeded: i &* 167 &+ i >> 8), toByteOffset: i, as: UInt8.self)
    }
    reset(0, byteCount)
  }

  deinit {
    actual.deallocate()
    expected.deallocate()
    pristine.deallocate()
  }

  /// Moves within the buffer. For `copy` the ranges must not overlap.
  func move(_ n: Int, from source: Int, to destination: Int, copy: Bool = false) {
    if copy {
      memory.copy(to: actual + destination, from: actual + source, byteCount: n, flags: flags)
    } else {
      memory.move(to: actual + destination, from: actual + source, byteCount: n, flags: flags)
    }
    memmove(expected + destination, expected + source, n)
    compare(destination, n) { "\(copy ? "copy" : "move") \(n) B, \(source) -> \(destination)" }
  }

  /// Fills a part of the buffer.
  func set(_ n: Int, at destination: Int, to value: UInt8) {
    memory.set(actual + destination, to: value, byteCount: n, flags: flags)
    memset(expected + destination, CInt(value), n)
    compare(destination, n) { "set \(n) B at \(destination) to \(value)" }
  }

  /// Flushes a part of the buffer, which must change nothing.
  func flush(_ n: Int, at start: Int) {
    memory.flush(actual + start, byteCount: n)
    compare(start, n) { "flush \(n) B at \(start)" }
  }

  /// Compares the operation's range and the lines around it, then undoes the operation there.
  private func compare(_ start: Int, _ n: Int, _ name: () -> String) {
    let low = max(0, start - 128)
    let high = min(byteCount, start + n + 128)
    if memcmp(actual + low, expected + low, high - low) != 0 {
      if failureCount == 0 { firstFailure = name() }
      failureCount += 1
    }
    reset(low, high)
  }

  /// Compares everything: a store far from its operation shows here at last.
  func compareAll() {
    if memcmp(actual, expected, byteCount) != 0 {
      if failureCount == 0 { firstFailure = "a byte far from its operation" }
      failureCount += 1
    }
  }

  private func reset(_ low: Int, _ high: Int) {
    memcpy(actual + low, pristine + low, high - low)
    memcpy(expected + low, pristine + low, high - low)
  }
}

/// A choice of instructions that this CPU has, and the flags to use them with.
struct NativeVariant: Sendable, CustomTestStringConvertible {
  let store: StreamingStore?
  let flush: FlushInstruction?
  let flags: OperationFlags

  var memory: NativeMemory { NativeMemory(store: store, flush: flush) }

  var testDescription: String {
    let store = store.map { "\($0)" } ?? "libc"
    let flush = flush.map { "\($0)" } ?? "no flush"
    return "\(store), \(flush), flags \(flags.rawValue)"
  }

  /// Each store as a cache hint, with the best flush as durable; each flush with the best store
  /// and with normal stores; and plain libc.
  static let all: [NativeVariant] = {
    let stores = StreamingStore.supported
    let flushes = FlushInstruction.supported
    var all = [NativeVariant(store: stores.first, flush: flushes.first, flags: [])]
    for store in stores {
      all.append(NativeVariant(store: store, flush: nil, flags: .noCacheHint))
      for flush in flushes.prefix(1) {
        all.append(NativeVariant(store: store, flush: flush, flags: .durable))
      }
    }
    for flush in flushes {
      all.append(NativeVariant(store: nil, flush: flush, flags: .durable))
    }
    for flush in flushes.dropFirst() {
      all.append(
        NativeVariant(store: stores.first, flush: flush, flags: [.durable, .noCacheHint]))
    }
    return all
  }()
}
