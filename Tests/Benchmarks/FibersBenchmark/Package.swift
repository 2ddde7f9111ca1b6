// swift-tools-version: 6.2
import PackageDescription

/// What the fibers cost. A package of its own, so that the root package needs nothing for it.
///
///     taskset -c 1 swift run -c release --package-path Tests/Benchmarks/FibersBenchmark fibers-benchmark
let package = Package(
  name: "FibersBenchmark",
  dependencies: [.package(name: "MiniAsync", path: "../../..")],
  targets: [
    .executableTarget(
      name: "fibers-benchmark", dependencies: [.product(name: "Fibers", package: "MiniAsync")]),
    // How many allocations each operation makes: it has a malloc of its own.
    .target(name: "CountedMalloc"),
    .executableTarget(
      name: "fibers-allocations",
      dependencies: [
        "CountedMalloc", .product(name: "Fibers", package: "MiniAsync"),
        .product(name: "MiniAsync", package: "MiniAsync"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
