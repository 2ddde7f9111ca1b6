/// How the peers are built.
extension PeerRecipe {
  static let boostContext = cxx(
    "Boost.Context", "boost-context.cpp", ["libboost-context-dev"], ["-lboost_context"])
  static let boostFiber = cxx(
    "Boost.Fiber", "boost-fiber.cpp", ["libboost-fiber-dev"],
    ["-lboost_fiber", "-lboost_context", "-lpthread"])
  static let go = go("Go", "fibers.go")
  static let osWakes = c("system calls", "os-wakes.c", ["-lpthread"])
  static let miniasync = pkgConfig("C miniasync", "miniasync.c", "libminiasync")
  static let dml = pkgConfig("libdml", "dml.c", "dml")
  static let swiftTasks = swift("Swift tasks", product: "swift-tasks")

  // Servers, and what asks them: see Network.
  static let load = c("load generator", "network/load.c")
  static let echoEpoll = c("C epoll", "network/echo-epoll.c")
  static let httpEpoll = c("C epoll", "network/http-epoll.c")
  static let echoGo = go("Go", "network/echo.go")
  static let httpGo = go("Go", "network/http.go")
  static let echoNIO = swift("SwiftNIO", product: "nio-echo")
  static let httpNIO = swift("SwiftNIO", product: "nio-http")
  static let echoServer = example("echo-server")
  static let httpServer = example("http-server")

  /// Not a peer, but a program of its own too: it counts the allocations of ours.
  static let fibersAllocations = PeerRecipe(
    name: "fibers-allocations", source: "../Sources/fibers-allocations"
  ) { _, program throws(CommandError) in
    try buildProduct(
      "fibers-allocations", of: Place.package, in: Place.package + "/.build", to: program)
  }
}

extension PeerRecipe {
  /// One file of C.
  static func c(_ name: String, _ source: String, _ libraries: [String] = []) -> PeerRecipe {
    compiled(name, source, "gcc", ["-std=gnu17"], ["gcc", "libc6-dev"], libraries)
  }

  /// One file of C++, and the Debian packages of the libraries it needs.
  static func cxx(
    _ name: String, _ source: String, _ packages: [String] = [], _ libraries: [String] = []
  ) -> PeerRecipe {
    compiled(name, source, "g++", ["-std=c++17"], ["g++"] + packages, libraries)
  }

  private static func compiled(
    _ name: String, _ source: String, _ compiler: String, _ options: [String],
    _ packages: [String], _ libraries: [String]
  ) -> PeerRecipe {
    PeerRecipe(name: name, source: source, packages: packages) {
      source, program throws(CommandError) in
      let words = options + ["-O2", "-march=native", "-Wall", "-o", program, source] + libraries
      _ = try Command(program: compiler, arguments: words, secondsAllowed: 300).run()
    }
  }

  /// One file of C with a library that is used only where pkg-config finds it.
  static func pkgConfig(_ name: String, _ source: String, _ module: String) -> PeerRecipe {
    PeerRecipe(name: name, source: source) { source, program throws(CommandError) in
      let flags = try Command(program: "pkg-config", arguments: ["--cflags", "--libs", module])
        .run().split(whereSeparator: \.isWhitespace).map(String.init)
      let words =
        ["-std=gnu17", "-O2", "-march=native", "-o", program, source] + flags
        + ["-lpthread"]
        + flags.filter { $0.hasPrefix("-L") }.map { "-Wl,-rpath," + $0.dropFirst(2) }
      _ = try Command(program: "gcc", arguments: words, secondsAllowed: 300).run()
    }
  }

  /// One file of Go.
  static func go(_ name: String, _ source: String) -> PeerRecipe {
    PeerRecipe(name: name, source: source, packages: ["golang-go"]) {
      source, program throws(CommandError) in
      _ = try Command(
        program: "go", arguments: ["build", "-o", program, source],
        environment: ["GO111MODULE": "off"], secondsAllowed: 300
      ).run()
    }
  }

  /// A product of the nested package `Peers/swift`, which fetches its dependencies itself.
  static func swift(_ name: String, product: String) -> PeerRecipe {
    PeerRecipe(name: name, source: "swift/Sources/" + product) {
      _, program throws(CommandError) in
      try buildProduct(
        product, of: Place.peers + "/swift", in: Place.products + "/swift", to: program)
    }
  }

  /// An example of ours, which is a server.
  static func example(_ product: String) -> PeerRecipe {
    PeerRecipe(name: product, source: "../../../Examples/" + product) {
      _, program throws(CommandError) in
      try buildProduct(product, of: Place.root, in: Place.products + "/examples", to: program)
    }
  }

  /// Builds a product of a Swift package, and puts a link to it at `program`.
  private static func buildProduct(
    _ product: String, of package: String, in scratch: String, to program: String
  ) throws(CommandError) {
    let words = [
      "build", "-c", "release", "--package-path", package, "--scratch-path", scratch,
    ]
    _ = try Command(
      program: "swift", arguments: words + ["--product", product], secondsAllowed: 1800
    ).run()
    let folder = try Command(program: "swift", arguments: words + ["--show-bin-path"]).run()
    let built = folder.filter { $0 != "\n" } + "/" + product
    _ = try Command(program: "ln", arguments: ["-sf", built, program]).run()
  }
}
