import MiniAsync
import TestSupport
import Testing
import VDM

/// The DML movers that every behaviour of operations is tested on.
///
/// The installed library is among them in a build with the trait `DML`.
enum DMLChoice: String, CaseIterable, CustomTestStringConvertible {
  case doubledSoftware
  case doubledHardware
  case doubledAuto
  case doubledAutoWithoutDevice
  case installedSoftware
  case installedAuto

  /// Those that this build has.
  static let all = allCases.filter { !$0.isInstalled || installedDML() != nil }

  var testDescription: String {
    isInstalled ? "\(rawValue), libdml \(installedDML()?.version ?? "")" : rawValue
  }
  var isInstalled: Bool { self == .installedSoftware || self == .installedAuto }

  private var path: DMLMover.Path {
    switch self {
    case .doubledSoftware, .installedSoftware: .software
    case .doubledHardware: .hardware
    case .doubledAuto, .doubledAutoWithoutDevice, .installedAuto: .auto
    }
  }

  /// Makes such a mover; pieces of 1,001 bytes, so that most operations have several, and a
  /// pattern of 8 bytes does not fit.
  func make(transferLimit: Int? = 1001, seed: UInt64 = 0) throws -> DMLMover {
    var configuration = DMLMover.Configuration(path: path)
    configuration.transferLimit = transferLimit
    if isInstalled { return try DMLMover(configuration: configuration) }
    let library = DoubledDML {
      $0.has_device = self == .doubledAutoWithoutDevice ? 0 : 1
      $0.seed = seed
    }
    return try DMLMover(configuration: configuration, library: library)
  }
}

extension DMLMover {
  /// A mover over a test double.
  static func doubled(
    _ path: Path = .hardware, _ library: DoubledDML,
    _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> DMLMover {
    var configuration = Configuration(path: path)
    change(&configuration)
    return try DMLMover(configuration: configuration, library: library)
  }
}

/// Whether there is Intel's library, and not the double in its place (.ci/dml.sh).
let isRealDMLInstalled = installedDML().map { $0.version != "0.0.0" } ?? false

/// The CRC-32C, bit by bit.
func plainCRC32C(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
  var crc = ~crc
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
  }
  return ~crc
}

/// Fills byte by byte.
func plainFill(_ start: UnsafeMutableRawPointer, _ pattern: UInt64, _ count: Int) {
  for i in 0..<count {
    start.storeBytes(
      of: UInt8(truncatingIfNeeded: pattern >> (UInt64(i % 8) * 8)), toByteOffset: i, as: UInt8.self
    )
  }
}

/// The first byte that differs, byte by byte.
func plainDifference(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Int? {
  (0..<count).first {
    a.load(fromByteOffset: $0, as: UInt8.self) != b.load(fromByteOffset: $0, as: UInt8.self)
  }
}
