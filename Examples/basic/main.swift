// A mover copy, a custom future, and a chain of both; waited for by a runtime and by busy polling.
//
//     swift run basic

import MiniAsync
import VDM

/// A custom future: prints a text when it is polled, and completes with the text's length.
///
/// The stored properties are its data. `progress` holds its state and output.
struct Print: Future {
  var text: UnsafeRawBufferPointer?
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    let text = String(decoding: text ?? UnsafeRawBufferPointer(start: nil, count: 0), as: UTF8.self)
    print("print:", text)
    return .complete(text.utf8.count)
  }
}

func run() throws {
  let source = Array("Hello, futures!".utf8)
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
  defer { copy.deallocate() }
  let runtime = Runtime()
  let mover = try ThreadMover()

  try source.withUnsafeBytes { source in
    guard let from = source.baseAddress, let to = copy.baseAddress else { return }

    // A copy by a worker thread. The runtime sleeps until the worker wakes it.
    var memcpy = mover.memcpy(to: to, from: from, byteCount: source.count)
    try runtime.wait(&memcpy).get()
    print("copied:", String(decoding: copy, as: UTF8.self))

    // The same by busy polling: the shortest latency, at the price of a core.
    var busy = mover.memset(to, to: UInt8(ascii: "-"), byteCount: copy.count)
    try busy.busyPoll().get()
    print("filled:", String(decoding: copy, as: UTF8.self))

    // A chain: what the copy puts out becomes what `Print` prints; its output, the chain's.
    var chain = Chain(
      output: 0, first: mover.memcpy(to: to, from: from, byteCount: source.count)
    )
    .then(Print()) { chain, copied, print in
      if copied.isSuccess { print.text = UnsafeRawBufferPointer(copy) } else { chain.finish() }
    }
    .mapOutput { chain, length in chain.output = length }
    print("chain:", runtime.wait(&chain), "bytes")
  }
}

try run()
