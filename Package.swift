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
  ],
  targets: [
    // The futex call, the CPU pause hint and the monitor/wait instructions: what Swift cannot say.
    .target(name: "CMiniAsync"),
    // Futures, notifiers, chains, combinators and the runtime that waits for them.
    .target(name: "MiniAsync", dependencies: ["CMiniAsync"], swiftSettings: library),

    // Cache-line flushes, fences and non-temporal stores, chosen by what the CPU has.
    .target(name: "CVDM"),
    // The virtual data mover: memory operations as futures over interchangeable movers.
    .target(name: "VDM", dependencies: ["MiniAsync", "CMiniAsync", "CVDM"], swiftSettings: library),

    // The examples, each run by `swift run NAME`.
    .executableTarget(name: "basic", dependencies: ["MiniAsync", "VDM"], path: "Examples/basic"),
    .executableTarget(
      name: "basic-async", dependencies: ["MiniAsync", "VDM"], path: "Examples/basic-async"),
    .executableTarget(
      name: "async-await", dependencies: ["MiniAsync", "VDM"], path: "Examples/async-await"),
    .executableTarget(name: "hashmap", dependencies: ["MiniAsync", "VDM"], path: "Examples/hashmap"),
    .executableTarget(
      name: "copy-file", dependencies: ["MiniAsync", "VDM"], path: "Examples/copy-file"),

    // Counts allocations by standing in for malloc in the test program.
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    // What the tests of all modules share: seeds, gates, counters of polls and drops.
    .target(name: "TestSupport", dependencies: ["CTestSupport"], path: "Tests/TestSupport"),
    .testTarget(name: "MiniAsyncTests", dependencies: ["MiniAsync", "TestSupport"]),
    .testTarget(name: "VDMTests", dependencies: ["VDM", "TestSupport"]),
    // Runs the examples as a user does; depends on them so that they are built.
    .testTarget(
      name: "ExampleTests",
      dependencies: ["basic", "basic-async", "async-await", "hashmap", "copy-file", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
