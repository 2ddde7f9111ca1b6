import Glibc
import MiniAsync
import PMem2
import VDM

/// An append-only log of records in a mapped file.
///
/// What ``append(_:)`` has returned for is durable. Whatever kills the process or the machine, at
/// whatever moment, opening the log again finds those records, perhaps some whose append had not
/// returned yet, and no half ones.
package final class RecordLog {
  private let map: Map
  /// Keeps other processes away until the log is closed.
  private let file: LogFile
  /// What the first record's checksum covers.
  private let seed: UInt64
  private let runtime = Runtime()
  private let epoch = UInt64.random(in: 0 ... .max)
  // INVARIANT: the next record goes to `end` in the records' space; `count` records come before
  // it, and `checksum` is that of the last one. All of them are durable.
  private var end: Int
  private var checksum: UInt64
  /// How many records there are.
  package private(set) var count: UInt64

  /// Opens a log, or makes one if there is no file, and finds its valid records.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - byteCount: How large a new one is made: a multiple of the page size.
  ///   - mover: What copies; `nil` for the calling thread.
  package init(
    path: String, byteCount: Int = 1 << 20, mover: (any DataMover)? = nil
  ) throws {
    let file = try LogFile(path: path, byteCount: byteCount)
    map = try Map(Source(descriptor: file.descriptor), Config(granularity: .page, mover: mover))
    let seed = try FileHeader.check(map)
    var reader = RecordReader(Self.records(of: map), seed: seed)
    while reader.next() != nil {}
    (end, checksum, count) = (reader.end, reader.checksum, reader.count)
    self.file = file
    self.seed = seed
  }

  /// Appends records, all of which are durable when it returns.
  ///
  /// Their copies are under way together, and become durable together.
  ///
  /// - Throws: ``LogError/full`` if they do not fit, or what has failed. None of them is part of
  ///   the log then.
  package func append(_ payloads: [[UInt8]]) throws {
    let size = payloads.reduce(0) { $0 + RecordHeader.recordSize($1.count) }
    let records = Self.records(of: map)
    guard size <= records.count - end else { throw LogError.full }

    // The copies read from here until the batch is complete.
    let staging = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    defer { staging.deallocate() }
    staging.initializeMemory(as: UInt8.self, repeating: 0)

    var batch = map.batch(minimumCapacity: payloads.count)
    var (offset, sum) = (0, checksum)
    for (index, payload) in payloads.enumerated() {
      let length = RecordHeader.recordSize(payload.count)
      let place = UnsafeMutableRawBufferPointer(rebasing: staging[offset..<offset + length])
      sum = fill(place, with: payload, sequence: count + UInt64(index), previous: sum)
      guard let from = place.baseAddress else { continue }
      try batch.memcpy(
        to: map.address + FileHeader.size + end + offset, from: from, byteCount: length)
      offset += length
    }
    try runtime.wait(&batch).get()
    end += size
    checksum = sum
    count += UInt64(payloads.count)
  }

  /// Calls `body` with each record's payload, in order.
  package func visit(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    var reader = RecordReader(Self.records(of: map), seed: seed)
    while reader.count < count, let payload = reader.next() { try body(payload) }
  }

  /// Writes a record to `place`.
  ///
  /// - Returns: Its checksum.
  private func fill(
    _ place: UnsafeMutableRawBufferPointer, with payload: [UInt8], sequence: UInt64,
    previous: UInt64
  ) -> UInt64 {
    payload.withUnsafeBytes { payload in
      let header = RecordHeader(
        sequence: sequence, epoch: epoch, previous: previous, payload: payload)
      header.write(to: place)
      UnsafeMutableRawBufferPointer(rebasing: place[RecordHeader.size...])
        .copyMemory(from: payload)
      return header.checksum
    }
  }

  private static func records(of map: Map) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: map.bytes[FileHeader.size...])
  }
}

/// Why a log cannot be used.
package enum LogError: Error, Equatable {
  /// There is no room for the records.
  case full
  /// The file is something else.
  case notALog
  /// Another process has it open.
  case inUse
  /// A system call has failed.
  case system(String, errno: CInt)
}
