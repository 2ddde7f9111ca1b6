import TestSupport
import Testing
import VDM

/// What a DML mover cannot be made up of ends the process, and says what to do.
@Suite struct DMLPreconditionTests {
  @Test func `limits that make no sense end the process`() async throws {
    for (number, message) in [
      (0, "DMLMover: it needs 1 to 2^31 slots"),
      (1, "DMLMover: the transfer limit must be 64 to 2^32 - 1"),
      (2, "DMLMover: the transfer limit must be 64 to 2^32 - 1"),
      (3, "DMLMover: the batch capacity must be 4 to 1,024"),
    ] {
      let result = try await #require(
        processExitsWith: .failure, observing: [\.standardErrorContent]
      ) { [number = number as Int] in
        _ = try? DMLMover.doubled(.software, DoubledDML()) {
          switch number {
          case 0: $0.slotCapacity = 0
          case 1: $0.transferLimit = 63
          case 2: $0.transferLimit = 1 << 32
          default: $0.batchCapacity = 3
          }
        }
      }
      let text = String(decoding: result.standardErrorContent, as: UTF8.self)
      // Release builds do not print it.
      if isDebugBuild { #expect(text.contains(message)) }
    }
  }
}
