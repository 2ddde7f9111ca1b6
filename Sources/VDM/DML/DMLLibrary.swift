/// Who does a job of libdml.
///
/// Corresponds to libdml's `DML_PATH_HW` and `DML_PATH_SW`.
package enum DMLEngine: Sendable {
  /// An accelerator (Intel DSA); a submission returns at once.
  case device
  /// The CPU, inside the submission.
  case processor
}

/// What a job of libdml does.
package enum DMLOperation: Sendable, Hashable {
  /// Nothing; to find out whether there is a device.
  case nop
  /// Copies.
  case move
  /// Fills with the pattern, which starts anew at the destination.
  case fill
  /// Compares both sources.
  case compare
  /// Continues a CRC-32C.
  case crc
  /// Copies, and continues a CRC-32C.
  case copyCRC
  /// Copies to both destinations.
  case dualcast
}

/// All that is written into a job before it is submitted.
///
/// The whole of it each time: libdml changes the flags of a job that it is given.
@safe
package struct DMLCommand {
  package var operation: DMLOperation
  package var source: UnsafeMutableRawPointer?
  package var secondSource: UnsafeMutableRawPointer?
  package var destination: UnsafeMutableRawPointer?
  package var secondDestination: UnsafeMutableRawPointer?
  package var byteCount: UInt32 = 0
  package var pattern: UInt64 = 0
  /// Where the CRC is read from at the submission, and written to at the check.
  package var crc: UnsafeMutablePointer<UInt32>?
  /// Whether a device writes into the last-level cache, and not past it.
  package var writesToCache = true
  /// The NUMA node whose device is to be used; all ones for that of the calling thread.
  package var numaNode = UInt32.max

  package init(_ operation: DMLOperation) { self.operation = operation }
}

/// What libdml says of a job.
package struct DMLReport {
  /// Where it stands.
  package var status: DMLStatus
  /// Of a compare that is done: whether the bytes differ.
  package var differs = false
  /// Of a compare that is done and whose bytes differ: where they do first.
  package var offset: UInt32 = 0

  package init(status: DMLStatus) { self.status = status }
}

/// libdml's job interface: the part that the mover needs, and nothing decided.
///
/// ``InstalledDML`` calls the library itself, under the package trait `DML`; the tests have one of
/// their own. Rules of libdml that callers keep:
///
/// - A job stays where it was initialised: it points into itself.
/// - It is checked only after a submission that returned ``DMLStatus/ok``. After any other the
///   check tells of an older job, or says for ever that it is being processed.
/// - It is used by one thread at a time.
package protocol DMLLibrary: Sendable {
  /// The library's version, such as `1.1.1`.
  var version: String { get }
  /// How many bytes a job for `engine` takes; 0 if that is not known.
  func jobByteCount(for engine: DMLEngine) -> Int
  /// Makes a job of memory, which may have been one before.
  @unsafe func initialize(_ job: UnsafeMutableRawPointer, for engine: DMLEngine) -> DMLStatus
  /// Ends what ``initialize(_:for:)`` began.
  @unsafe func finalize(_ job: UnsafeMutableRawPointer)
  /// Writes the command into the job, and starts it; on the CPU, does it.
  @unsafe func submit(_ job: UnsafeMutableRawPointer, _ command: DMLCommand) -> DMLStatus
  /// Looks whether the job is done, and makes its results readable.
  @unsafe func check(_ job: UnsafeMutableRawPointer) -> DMLReport

  /// How many bytes a list of `count` commands takes; 0 if there cannot be such a list.
  @unsafe func batchByteCount(_ job: UnsafeMutableRawPointer, _ count: Int) -> Int
  /// Says which list the job is about; first of all batch calls.
  @unsafe func openBatch(
    _ job: UnsafeMutableRawPointer, _ list: UnsafeMutableRawPointer, byteCount: Int)
  /// Writes a command into the list. Commands with CRCs, or that compare, are not for lists.
  @unsafe func setBatchItem(
    _ job: UnsafeMutableRawPointer, _ index: Int, _ command: DMLCommand
  ) -> DMLStatus
  /// Starts the list, as ``submit(_:_:)`` does a command.
  @unsafe func submitBatch(_ job: UnsafeMutableRawPointer, numaNode: UInt32) -> DMLStatus
  /// What has become of one command, once the job is done.
  @unsafe func batchItemStatus(_ job: UnsafeMutableRawPointer, _ index: Int) -> DMLStatus
}
