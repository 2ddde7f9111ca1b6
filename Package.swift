// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target under `Sources/` is built with strict memory safety: each unsafe step is
/// spelled `unsafe` in the source, so that a reader can search for all of them.
let library: [SwiftSetting] = [.strictMemorySafety()]

/// Programs are linked with lld: gold, the default, prints 141 warnings about the Address Sanitizer's
/// own symbols for each. (No library has unsafe flags: packages that depend on this one are free.)
let program: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"])]

let package = Package(
  name: "MiniAsync",
  products: [
    .library(name: "MiniAsync", targets: ["MiniAsync"]),
    .library(name: "VDM", targets: ["VDM"]),
    .library(name: "PMem2", targets: ["PMem2"]),
    .library(name: "Fibers", targets: ["Fibers"]),
  ],
  traits: [
    // Off by default: a package that wants it says `traits: ["DML"]`, and has libdml installed.
    .trait(name: "DML", description: "Data movers over Intel's libdml, which must be installed.")
  ],
  targets: [
    // The futex call, the CPU pause hint and the monitor/wait instructions: what Swift cannot say.
    .target(name: "CMiniAsync"),
    // Futures, notifiers, chains, combinators and the runtime that waits for them.
    .target(name: "MiniAsync", dependencies: ["CMiniAsync"], swiftSettings: library),

    // Cache-line flushes, fences and non-temporal stores, chosen by what the CPU has.
    .target(name: "CVDM"),
    // Intel's libdml. Nothing looks for it without the trait.
    .systemLibrary(name: "CDML", path: "Sources/CDML", pkgConfig: "dml"),
    // The virtual data mover: memory operations as futures over interchangeable movers.
    .target(
      name: "VDM",
      dependencies: [
        "MiniAsync", "CMiniAsync", "CVDM",
        .target(name: "CDML", condition: .when(traits: ["DML"])),
      ], swiftSettings: library),

    // Persistent memory: sources, maps, durable copies. Needs no libpmem2; its tests compare with
    // one that they open at run time, if there is one.
    .target(name: "PMem2", dependencies: ["MiniAsync", "VDM"], swiftSettings: library),

    // The context switch, the first frame of a stack, sanitizer hooks, the overflow handler and a
    // few system calls: what Swift cannot say.
    .target(name: "CFibers"),
    // Stackful fibers: switch, stacks, scheduler, handles, cancellation, scopes; bridges to futures
    // and tasks.
    .target(name: "Fibers", dependencies: ["CFibers", "MiniAsync"], swiftSettings: library),

    // What examples share: progress bars, numbers for people, a window of futures.
    .target(name: "ExampleSupport", dependencies: ["MiniAsync"], path: "Examples/Support"),
    // The examples, each run by `swift run NAME`.
    .executableTarget(
      name: "basic", dependencies: ["MiniAsync", "VDM"], path: "Examples/basic",
      linkerSettings: program),
    .executableTarget(
      name: "basic-async", dependencies: ["MiniAsync", "VDM"], path: "Examples/basic-async",
      linkerSettings: program),
    .executableTarget(
      name: "async-await", dependencies: ["MiniAsync", "VDM"], path: "Examples/async-await",
      linkerSettings: program),
    .executableTarget(
      name: "hashmap", dependencies: ["MiniAsync", "VDM"], path: "Examples/hashmap",
      linkerSettings: program),
    .executableTarget(
      name: "copy-file", dependencies: ["MiniAsync", "VDM", "PMem2", "ExampleSupport"],
      path: "Examples/copy-file", linkerSettings: program),

    // Persistent memory by example: a durable copy, a log that survives whatever kills the program.
    .executableTarget(
      name: "pmem2-copy", dependencies: ["MiniAsync", "VDM", "PMem2", "ExampleSupport"],
      path: "Examples/pmem2-copy", linkerSettings: program),
    .executableTarget(
      name: "pmem2-log", dependencies: ["MiniAsync", "VDM", "PMem2"], path: "Examples/pmem2-log",
      linkerSettings: program),

    // Fibers by example: two counters, joins, a runtime of one's own, a million parked fibers.
    .executableTarget(
      name: "counter-async", dependencies: ["Fibers"], path: "Examples/counter-async",
      linkerSettings: program),
    .executableTarget(
      name: "await-basic", dependencies: ["Fibers"], path: "Examples/await-basic",
      linkerSettings: program),
    .executableTarget(
      name: "custom-runtime", dependencies: ["Fibers"], path: "Examples/custom-runtime",
      linkerSettings: program),
    .executableTarget(
      name: "million-fibers", dependencies: ["Fibers"], path: "Examples/million-fibers",
      linkerSettings: program),
    // Files over HTTP/1.1, a fiber a connection.
    .executableTarget(
      name: "http-server", dependencies: ["Fibers"], path: "Examples/http-server",
      linkerSettings: program),
    .executableTarget(
      name: "channel-basic", dependencies: ["Fibers"], path: "Examples/channel-basic",
      linkerSettings: program),
    .executableTarget(
      name: "pipeline", dependencies: ["Fibers"], path: "Examples/pipeline",
      linkerSettings: program),
    .executableTarget(
      name: "io-pipe", dependencies: ["Fibers"], path: "Examples/io-pipe",
      linkerSettings: program),
    .executableTarget(
      name: "chat", dependencies: ["Fibers"], path: "Examples/chat", linkerSettings: program),
    .executableTarget(
      name: "echo-server", dependencies: ["Fibers"], path: "Examples/echo-server",
      linkerSettings: program),

    // Counts allocations by standing in for malloc in the test program.
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    // What the tests of all modules share: seeds, gates, counters of polls and drops.
    .target(name: "TestSupport", dependencies: ["CTestSupport"], path: "Tests/TestSupport"),
    .testTarget(name: "MiniAsyncTests", dependencies: ["MiniAsync", "TestSupport"]),
    // Plays Intel's libdml, with whatever faults a test wants.
    .target(name: "CDMLDouble", path: "Tests/CDMLDouble", exclude: ["libdml"]),
    .testTarget(name: "VDMTests", dependencies: ["VDM", "TestSupport", "CDMLDouble"]),
    .testTarget(name: "PMem2Tests", dependencies: ["PMem2", "VDM", "Fibers", "TestSupport"]),
    // Runs the examples as a user does; depends on them so that they are built.
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "basic", "basic-async", "async-await", "hashmap", "copy-file", "pmem2-copy", "pmem2-log",
        "ExampleSupport", "PMem2", "TestSupport",
      ],
      linkerSettings: program),
    .testTarget(name: "FibersTests", dependencies: ["Fibers", "VDM", "TestSupport"]),
    // Runs the examples; depends on them so that they are built first.
    .testTarget(
      name: "FibersExampleTests",
      dependencies: [
        "Fibers", "counter-async", "await-basic", "custom-runtime", "million-fibers",
        "channel-basic", "pipeline", "io-pipe", "echo-server", "chat",
      ]),
    // The parser of http-server by itself, and the server as clients of all kinds meet it.
    .testTarget(
      name: "HTTPServerTests", dependencies: ["http-server", "TestSupport"],
      linkerSettings: program),
  ],
  swiftLanguageModes: [.v6]
)
