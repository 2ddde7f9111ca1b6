// swift-tools-version: 6.0
import PackageDescription

/// The same two servers with SwiftNIO: a package of its own, so that only who measures fetches it.
let package = Package(
  name: "nio",
  dependencies: [.package(url: "https://github.com/apple/swift-nio", exact: "2.101.2")],
  targets: [
    .executableTarget(
      name: "nio-echo",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ], swiftSettings: [.swiftLanguageMode(.v5)]),
    .executableTarget(
      name: "nio-http",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ], swiftSettings: [.swiftLanguageMode(.v5)]),
  ])
