// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the library keeps having no dependency and no benchmark in it.
// `swift run -c release --package-path Tests/Benchmarks Benchmarks` measures everything and prints
// a table. The programs it is compared with are in Peers; the driver builds them.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "MiniAsync", path: "../..")],
  targets: [
    // Pinning, clocks and the bare C-like calls that ours are compared with.
    .target(name: "CBenchmarks"),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "CBenchmarks",
        .product(name: "MiniAsync", package: "MiniAsync"),
        .product(name: "VDM", package: "MiniAsync"),
        .product(name: "PMem2", package: "MiniAsync"),
        .product(name: "Fibers", package: "MiniAsync"),
      ]),
    // How many allocations each operation makes: it has a malloc of its own.
    .target(name: "CountedMalloc"),
    .executableTarget(
      name: "fibers-allocations",
      dependencies: [
        "CountedMalloc", .product(name: "Fibers", package: "MiniAsync"),
        .product(name: "MiniAsync", package: "MiniAsync"),
      ]),
    // One hot path at a time, for valgrind: see .ci/instructions.sh.
    .executableTarget(
      name: "hot-paths",
      dependencies: [
        "CBenchmarks",
        .product(name: "Fibers", package: "MiniAsync"),
        .product(name: "MiniAsync", package: "MiniAsync"),
        .product(name: "VDM", package: "MiniAsync"),
      ], path: "Sources/HotPaths"),
  ],
  swiftLanguageModes: [.v6]
)
