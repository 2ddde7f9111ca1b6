import Glibc

/// How a peer's program is made.
struct PeerRecipe: Sendable {
  /// As the table shows it, such as `Boost.Fiber`.
  let name: String
  /// Its source in `Tests/Benchmarks/Peers`, a file or a folder.
  let source: String
  /// What Debian calls that which building it needs; empty where Debian has it not.
  var packages: [String] = []
  /// Makes `program` out of `source`.
  let build: @Sendable (_ source: String, _ program: String) throws(CommandError) -> Void
}

/// Builds the programs of the peers when they are first asked for, and remembers which cannot be had.
final class PeerBuilder {
  /// What cannot be measured here.
  struct Missing {
    let name: String
    let reason: String
    /// Whether it is this library that failed: that is an error, and no lack.
    let isOurs: Bool
  }

  /// Whether packages may be installed through apt-get.
  private let mayInstall: Bool
  private var built: [String: String] = [:]
  private(set) var missing: [Missing] = []
  /// The Debian packages that the programs were built with.
  private(set) var packages: Set<String> = []
  private var hasUpdatedLists = false

  init(mayInstall: Bool) { self.mayInstall = mayInstall }

  /// The program of a peer, built now if need be.
  ///
  /// - Returns: Its path; `nil` when it cannot be had here: ``missing`` says why.
  func program(_ recipe: PeerRecipe) -> String? {
    if let program = built[recipe.source] { return program }
    if missing.contains(where: { $0.name == recipe.name }) { return nil }
    let source = Place.peers + "/" + recipe.source
    let file = recipe.source.split(separator: "/").last ?? ""
    let program = Place.products + "/" + String(file.map { $0 == "." ? "-" : $0 })
    do throws(CommandError) {
      if isOutdated(program, source) {
        complain("building the peer \(recipe.name)")
        _ = try Command(program: "mkdir", arguments: ["-p", Place.products]).run()
        try build(recipe, source, program)
      }
      built[recipe.source] = program
      packages.formUnion(recipe.packages)
      return program
    } catch {
      let needed = recipe.packages.joined(separator: " ")
      lack(recipe.name, "\(error)" + (needed.isEmpty ? "" : "; it needs \(needed)"))
      return nil
    }
  }

  /// Notes that a contestant cannot be measured, once.
  func lack(_ name: String, _ reason: String, isOurs: Bool = false) {
    guard !missing.contains(where: { $0.name == name }) else { return }
    missing.append(Missing(name: name, reason: reason, isOurs: isOurs))
    complain("missing: \(name) (\(reason))")
  }

  /// Installs what is needed only after a build without it has failed.
  private func build(_ recipe: PeerRecipe, _ source: String, _ program: String)
    throws(CommandError)
  {
    do throws(CommandError) {
      try recipe.build(source, program)
    } catch {
      guard mayInstall, !recipe.packages.isEmpty else { throw error }
      try install(recipe.packages)
      try recipe.build(source, program)
    }
  }

  /// Makes a library loadable, by installing its packages if it is not.
  ///
  /// - Returns: Whether it can be loaded; ``missing`` says why not.
  func library(_ file: String, named name: String, packages: [String]) -> Bool {
    self.packages.formUnion(packages)
    if dlopen(file, RTLD_NOW) != nil { return true }
    do throws(CommandError) {
      if mayInstall { try install(packages) }
    } catch {
      lack(name, "\(error)")
      return false
    }
    if dlopen(file, RTLD_NOW) != nil { return true }
    lack(name, "\(file) is not installed")
    return false
  }

  private func install(_ packages: [String]) throws(CommandError) {
    complain("installing " + packages.joined(separator: " "))
    let install = Command(
      program: "apt-get",
      arguments: ["install", "-y", "-qq", "--no-install-recommends"] + packages,
      environment: ["DEBIAN_FRONTEND": "noninteractive"], secondsAllowed: 600)
    do throws(CommandError) {
      _ = try install.run()
    } catch {
      // A fresh machine has no lists of packages yet.
      guard !hasUpdatedLists else { throw error }
      hasUpdatedLists = true
      _ = try Command(program: "apt-get", arguments: ["update", "-qq"], secondsAllowed: 300).run()
      _ = try install.run()
    }
  }

  /// A folder is a package, whose own build system knows what is out of date.
  private func isOutdated(_ program: String, _ source: String) -> Bool {
    guard let made = modification(program), let written = modification(source) else { return true }
    let headers = ["peer.h", "network/epoll.h", "network/server.h"].map {
      modification(Place.peers + "/" + $0) ?? 0
    }
    return isFolder(source) || made < max(written, headers.max() ?? 0)
  }

  private func modification(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0
      ? status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec : nil
  }

  private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

/// Where things lie; the benchmarks run where they were built.
enum Place {
  /// `Tests/Benchmarks`.
  static let package = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
  /// The sources of the peers.
  static let peers = package + "/Peers"
  /// What the peers are built into.
  static let products = package + "/.build/peers"
  /// The root of the library.
  static let root = package.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
}
