@_spi(Benchmark) import Fibers

/// A bare switch between two flows of control, no scheduler.
func switchRows(_ effort: Effort) -> [Row] {
  let results = race(
    effort,
    [
      .ours("switch"), .peer(.boostContext, effort, "switch"),
    ])
  let order = ["Boost.Context"]
  return [
    results.figure(
      "raw switch, registers", key: "registers", peerKey: "", order: order,
      budget: .atMost(1.5, whenPeerIs: 4.05)),
    results.figure(
      "raw switch, FP control as by default", key: "standard", peerKey: "", order: order,
      budget: .atMost(1.5, whenPeerIs: 4.05)),
    results.figure("raw switch, all FP control words", key: "floating", peerKey: "", order: order),
    results.figure(
      "raw switch, FP control words and isolated accesses", key: "accesses", peerKey: "",
      order: order),
  ].rows(decidedBy: "Boost.Context")
}

let switchMeasurements = [
  Measurement(name: "switch") { _ in
    [
      ("registers", rawSwitch(.none)), ("standard", rawSwitch(.standardFloatingPoint)),
      ("floating", rawSwitch(.floatingPoint)), ("accesses", rawSwitch(.floatingPointAndAccesses)),
    ]
  }
]

private func rawSwitch(_ extras: RawSwitch.Extras) -> Double {
  let pairs = 2_000_000
  let flows = RawSwitch(extras)
  defer { flows.destroy() }
  flows.run(pairs: pairs / 10)
  return nanoseconds(per: 2 * pairs) { flows.run(pairs: pairs) }
}
