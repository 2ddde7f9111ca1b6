// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target under `Sources/` is built with strict memory safety: each unsafe step is
/// spelled `unsafe` in the source, so that a reader can search for all of them.
let library: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "MiniAsync",
  products: [
    .library(name: "MiniAsync", targets: ["MiniAsync"]),
    .library(name: "VDM", targets: ["VDM"]),
    .library(name: "Fibers", targets: ["Fibers"]),
  ],
  targets: [
    // The futex call, the CPU pause hint and the monitor/wait instructions: what Swift cannot say.
    .target(name: "CMiniAsync"),
    // Futures, notifiers, chains, combinators and the runtime that waits for them.
    .target(name: "MiniAsync", dependencies: ["CMiniAsync"], swiftSettings: library),

    // Cache-line flushes, fences and non-temporal stores, chosen by what the CPU has.
    .target(name: "CVDM"),
    // The virtual data mover: memory operations as futures over interchangeable movers.
    .target(name: "VDM", dependencies: ["MiniAsync", "CVDM"], swiftSettings: library),

    // The context switch, the first frame of a stack, sanitizer hooks, the overflow handler and a
    // few system calls: what Swift cannot say.
    .target(name: "CFibers"),
    // Stackful fibers: switch, stacks, scheduler, handles, cancellation, scopes.
    .target(name: "Fibers", dependencies: ["CFibers"], swiftSettings: library),

    // Fibers by example: two counters, joins, a runtime of one's own, a million parked fibers.
    .executableTarget(
      name: "counter-async", dependencies: ["Fibers"], path: "Examples/counter-async"),
    .executableTarget(name: "await-basic", dependencies: ["Fibers"], path: "Examples/await-basic"),
    .executableTarget(
      name: "custom-runtime", dependencies: ["Fibers"], path: "Examples/custom-runtime"),
    .executableTarget(
      name: "million-fibers", dependencies: ["Fibers"], path: "Examples/million-fibers"),

    // What the tests of all modules share: seeds, gates, counters of polls and drops.
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(name: "MiniAsyncTests", dependencies: ["MiniAsync", "TestSupport"]),
    .testTarget(name: "VDMTests", dependencies: ["VDM", "TestSupport"]),
    .testTarget(name: "FibersTests", dependencies: ["Fibers", "TestSupport"]),
    // Runs the examples; depends on them so that they are built first.
    .testTarget(
      name: "FibersExampleTests",
      dependencies: ["counter-async", "await-basic", "custom-runtime", "million-fibers"]),
  ],
  swiftLanguageModes: [.v6]
)
