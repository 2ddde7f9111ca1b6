import CBenchmarks
import Fibers
import Synchronization

/// Channels that fibers of several threads may use: within one thread, and across two.
func sharedChannelRows(_ effort: Effort) -> [Row] {
  let within = [64, 0].map { capacity in
    race(
      effort,
      [
        .ours("shared-channel", capacity), .peer(.boostFiber, effort, "channel", capacity),
        .peer(.go, effort, "channel", capacity),
        .peer(.swiftTasks, effort, "channel", capacity),
      ]
    ).figure(
      "shared channel, one thread, " + (capacity == 0 ? "unbuffered" : "capacity \(capacity)"),
      unit: "ns/message", order: ["Boost.Fiber", "Go", "Swift tasks"])
  }
  let across = [64, 1024].map { capacity in
    race(
      effort,
      [
        .ours("shared-channel-across", capacity, on: nil),
        .peer(.boostFiber, effort, "across", capacity, on: nil),
        .peer(.go, effort, "channel", capacity, named: "Go, not pinned", on: nil),
      ]
    ).figure(
      "shared channel, cpu 0 to 1, capacity \(grouped(capacity))", unit: "ns/message",
      order: ["Boost.Fiber", "Go, not pinned"])
  }
  return (within + across).rows()
}

let sharedChannelMeasurements = [
  Measurement(name: "shared-channel", size: 64) { capacity in [("", try within(capacity))] },
  Measurement(name: "shared-channel-across", size: 64) { capacity in
    [("", try across(capacity))]
  },
]

private func send(_ count: Int, to channel: SharedChannel<Int>) throws {
  for number in 0..<count { try channel.send(number) }
  channel.close()
}

private func receive(_ count: Int, from channel: SharedChannel<Int>) throws {
  var sum = 0
  while let number = try channel.receive() { sum &+= number }
  precondition(sum == count * (count - 1) / 2)
}

private func within(_ capacity: Int) throws -> Double {
  let runtime = try FiberRuntime()
  let count = 1_000_000
  let channel = SharedChannel<Int>(capacity: capacity)
  try runtime.spawn { try send(count, to: channel) }
  let receiving = try runtime.spawn { try receive(count, from: channel) }
  return try nanoseconds(per: count) { try receiving.join() }
}

private func across(_ capacity: Int) throws -> Double {
  let count = 500_000
  let channel = SharedChannel<Int>(capacity: capacity)
  let result = AtomicResult()
  let receiver = fiberThread(on: 1) {
    let start = bench_now()
    try receive(count, from: channel)
    result.value.store(Double(bench_now() - start) / Double(count), ordering: .releasing)
  }
  let sender = fiberThread(on: 0) { try send(count, to: channel) }
  sender.join()
  receiver.join()
  return result.value.load(ordering: .acquiring)
}
