/// Where in the source a fiber was spawned: for reports.
public struct SpawnSite: Sendable, CustomStringConvertible {
  /// The `#fileID` of the spawn.
  public let file: StaticString
  /// The line of the spawn.
  public let line: UInt32

  /// A site; the defaults are the caller's.
  public init(file: StaticString = #fileID, line: UInt32 = #line) {
    self.file = file
    self.line = line
  }

  /// `Module/File.swift:12`.
  public var description: String { "\(file):\(line)" }
}
