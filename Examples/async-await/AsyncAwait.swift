// The same copy, awaited from Swift concurrency; and an async operation waited for by a runtime.
//
//     swift run async-await

import MiniAsync
import VDM

/// Memory whose owner hands it to one operation at a time.
final class Buffer: @unchecked Sendable {
  // @unchecked: the example lets one operation at a time touch the bytes.
  let bytes: UnsafeMutableRawBufferPointer

  init(_ text: String) {
    bytes = .allocate(byteCount: text.utf8.count, alignment: 1)
    bytes.copyBytes(from: Array(text.utf8))
  }

  deinit { bytes.deallocate() }

  /// Every text here has a byte at least, so there is an address.
  var address: UnsafeMutableRawPointer { bytes.baseAddress! }
  var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Copies without blocking a thread: the task is suspended until a worker has done it.
func copied(_ source: Buffer, by mover: ThreadMover) async throws -> String {
  let copy = Buffer(String(repeating: ".", count: source.bytes.count))
  try await mover.memcpy(to: copy.address, from: source.address, byteCount: source.bytes.count)
    .value().get()
  return copy.text
}

@main
struct AsyncAwait {
  static func main() async throws {
    let mover = try ThreadMover()
    print("awaited:", try await copied(Buffer("Hello, await!"), by: mover))

    // Many at once, as tasks.
    let texts = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<4 {
        group.addTask { try await copied(Buffer("task \(number)"), by: mover) }
      }
      var texts: [String] = []
      for try await text in group { texts.append(text) }
      return texts
    }
    print("tasks:", texts.sorted().joined(separator: ", "))

    // The other way round: an async operation is a future like any other, and can be one of
    // those a future is made of.
    let both = TaskFuture { await slowSum(1...100) }.and(TaskFuture { await slowSum(1...10) })
    let (large, small) = await both.value()
    print("async operations as futures:", large, "and", small)
  }
}

func slowSum(_ numbers: ClosedRange<Int>) async -> Int {
  var sum = 0
  for number in numbers {
    sum += number
    await Task.yield()
  }
  return sum
}
