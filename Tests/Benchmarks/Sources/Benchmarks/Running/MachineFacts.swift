import Glibc

/// What figures depend on.
struct MachineFacts {
  /// Such as `2026-11-21`.
  let date: String
  let processor: String
  let processorCount: Int
  let memory: String
  let kernel: String
  let system: String
  /// Of the compilers and of the peers.
  let versions: [String]

  static var memoryByteCount: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Asks the system.
  init(_ peers: PeerBuilder) {
    date = Self.line("date", "-u", "+%Y-%m-%d")
    let cpu = (try? readFile("/proc/cpuinfo")) ?? ""
    let models = cpu.split(separator: "\n").filter { $0.hasPrefix("model name") }
    processor = models.first.map { Self.value($0, after: ":") } ?? Self.line("uname", "-m")
    processorCount = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    memory = "\(Self.memoryByteCount >> 30) GiB"
    kernel = Self.line("uname", "-sr")
    let release = (try? readFile("/etc/os-release")) ?? ""
    let name = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
    system = name.map { Self.value($0, after: "=").filter { $0 != "\"" } } ?? "Linux"
    versions =
      [Self.line("swift", "--version")]
      + peers.packages.sorted().compactMap { package in
        let version = Self.line("dpkg-query", "-W", "-f", "${Version}", package)
        return version.isEmpty ? nil : "\(package) \(version)"
      } + Self.swiftPackages()
  }

  var text: String {
    """
    \(processor), \(processorCount) processors, \(memory); \(kernel), \(system). \
    \(versions.joined(separator: "; ")).
    """
  }

  /// The first line that a program prints; empty if it cannot be run.
  private static func line(_ program: String, _ arguments: String...) -> String {
    let output = try? Command(program: program, arguments: arguments).run()
    return output?.split(separator: "\n").first.map(String.init) ?? ""
  }

  private static func value(_ line: Substring, after separator: Character) -> String {
    let rest = line.drop { $0 != separator }.dropFirst()
    return String(rest.drop { $0 == " " })
  }

  /// What SwiftPM chose for the peers that come through it.
  private static func swiftPackages() -> [String] {
    guard let text = try? readFile(Place.peers + "/swift/Package.resolved") else { return [] }
    var versions: [String] = []
    var name = ""
    for line in text.split(separator: "\n") {
      let words = line.split { ":,\" ".contains($0) }
      guard words.count == 2 else { continue }
      if words[0] == "identity" { name = String(words[1]) }
      if words[0] == "version", !name.isEmpty { versions.append("\(name) \(words[1])") }
      if words[0] == "version" { name = "" }
    }
    return versions
  }
}
